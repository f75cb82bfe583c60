"""The connection: one HTTP client, and its failures as ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import orjson

from counterfoil.errors import MissingExtraError, StoreUnavailableError

from .address import ServerAddress
from .problem import error_of, retry_after
from .token import AccessToken

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx2

#: Bytes of an answer, unpacked, that are taken.
MAX_ANSWER: Final = 64 * 1024 * 1024
#: Seconds that a connection is kept without use: less than servers do, so that none is found
#: dead by the next request.
_KEEP: Final = 4.0
_CONNECTIONS: Final = 20

#: Query parameters, in order; a name may come again.
Params = Sequence[tuple[str, str]]


class TooLongError(StoreUnavailableError):
    """The server's answer is too long to be taken."""

    remedy = "Ask for less at once."


class Answer(NamedTuple):
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """The body as a JSON object.

        Raises:
            StoreUnavailableError: it is none: something else answers at that address.
        """
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            value = None
        if not isinstance(value, dict):
            raise not_ours()
        return value


class Connection:
    """An HTTP client of one server. It belongs to the event loop that made it.

    Certificates are always verified, by the system's roots or those that ``SSL_CERT_FILE``
    names; proxies are those of the environment. Redirects are refused, so that the token goes
    nowhere else.

    Args:
        address: where the server is.
        token: what it knows this client by.
        timeout: seconds that an answer may take, where nothing else is said.

    Raises:
        MissingExtraError: the HTTP client is not installed.
    """

    def __init__(self, address: ServerAddress, token: AccessToken, *, timeout: float) -> None:
        try:
            import httpx2
        except ImportError as error:
            raise MissingExtraError("The client of a server", "client") from error
        self._http = httpx2
        self.address = address
        self.timeout = timeout
        self.token = token
        self._client = httpx2.AsyncClient(
            base_url=address.url,
            headers={
                "Authorization": token.header,
                "User-Agent": f"counterfoil/{version('counterfoil')}",
                "Accept": "application/json, application/problem+json",
            },
            timeout=timeout,
            follow_redirects=False,
            limits=httpx2.Limits(
                max_connections=_CONNECTIONS,
                max_keepalive_connections=_CONNECTIONS,
                keepalive_expiry=_KEEP,
            ),
        )
        _keep_quiet(self._client.base_url.host)

    def present(self, token: AccessToken) -> None:
        """Be known by another token from the next request on."""
        self.token = token
        self._client.headers["Authorization"] = token.header

    async def ask(
        self,
        method: str,
        path: str,
        *,
        params: Params = (),
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - it bounds the answer, not the caller
    ) -> Answer:
        """Send one request, and return the whole answer.

        Args:
            timeout: seconds for all of it.

        Raises:
            CounterfoilError: the server refused it, or is away; ``outcome_known`` is False
                where it may have been carried out.
        """
        seconds = self.timeout if timeout is None else timeout
        # A server that cannot even be reached has certainly done nothing.
        within = self._http.Timeout(seconds, connect=seconds / 2)
        with self._told():
            async with (
                asyncio.timeout(seconds),
                self._client.stream(
                    method,
                    path,
                    params=list(params),
                    content=body,
                    headers=headers,
                    timeout=within,
                ) as response,
            ):
                answer = Answer(
                    response.status_code, response.headers, await _whole(response, MAX_ANSWER)
                )
        if 200 <= answer.status < 300:
            return answer
        raise _refusal(answer)

    @asynccontextmanager
    async def events(
        self, path: str, *, params: Params, headers: Mapping[str, str], silence: float
    ) -> AsyncIterator[AsyncIterator[httpx2.ServerSentEvent]]:
        """Server-sent events (the HTML standard's event stream).

        Args:
            silence: seconds after which a server that says nothing counts as gone.

        Raises:
            CounterfoilError: the server refused it, or is away.
        """
        timeout = self._http.Timeout(self.timeout, read=silence)
        with self._told():
            async with self._client.stream(
                "GET",
                path,
                params=list(params),
                headers={"Accept": "text/event-stream", **headers},
                timeout=timeout,
            ) as response:
                if response.status_code != 200:
                    body = await _whole(response, MAX_ANSWER)
                    raise _refusal(Answer(response.status_code, response.headers, body))
                yield aiter(self._http.EventSource(response, MAX_ANSWER))

    async def close(self) -> None:
        """Let go of the connections. Idempotent."""
        await self._client.aclose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turns what the HTTP client raises into our errors."""
        http = self._http
        try:
            yield
        except (http.ConnectTimeout, http.PoolTimeout) as error:
            raise StoreUnavailableError("The server cannot be reached in time.") from error
        except (http.ConnectError, http.ProxyError, http.UnsupportedProtocol) as error:
            raise _unreached(error) from error
        except (TimeoutError, http.TimeoutException) as error:
            raise _unknown("The server does not answer in time.") from error
        except http.SSEError as error:
            raise not_ours() from error
        except http.HTTPError as error:
            raise _unknown("The connection to the server broke.") from error


def not_ours() -> StoreUnavailableError:
    """The error for an answer that no Counterfoil server gives."""
    return StoreUnavailableError(
        "What answers at the server's address is no Counterfoil server of this version.",
        remedy="Look at the address, and at proxies on the way.",
    )


async def _whole(response: httpx2.Response, limit: int) -> bytes:
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > limit:
            raise TooLongError
    return b"".join(parts)


def _refusal(answer: Answer) -> Exception:
    if 300 <= answer.status < 400:
        return StoreUnavailableError(
            "The server's address leads on to another one, which is not followed.",
            remedy="Open the log with the address that it leads to, if that is right.",
        )
    try:
        problem = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        problem = {}
    after = retry_after(answer.headers)
    return error_of(answer.status, problem if isinstance(problem, dict) else {}, after)


def _unreached(error: BaseException) -> StoreUnavailableError:
    if "certificate" in str(error).lower():
        return StoreUnavailableError(
            "The server's certificate was refused.",
            remedy="Look at its name and dates; name roots of your own with SSL_CERT_FILE.",
        )
    return StoreUnavailableError("The server cannot be reached.")


def _unknown(message: str) -> StoreUnavailableError:
    error = StoreUnavailableError(message)
    error.outcome_known = False
    return error


# The HTTP client logs each request's address, and with it whom a question is about.

_quiet: set[str] = set()


def _keep_quiet(host: str) -> None:
    if not _quiet:
        logging.getLogger("httpx2").addFilter(_is_others)
    _quiet.add(host)


def _is_others(record: logging.LogRecord) -> bool:
    arguments = record.args if isinstance(record.args, tuple) else ()
    return not any(getattr(one, "host", None) in _quiet for one in arguments)
