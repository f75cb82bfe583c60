"""Setup: from an address to the parts of a log on a server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from counterfoil.errors import ConfigurationError
from counterfoil.log.limits import Limits
from counterfoil.log.write.intake import Intake
from counterfoil.log.write.path import WritePath
from counterfoil.policy.chain import default_chain
from counterfoil.policy.redaction import HeldTokens
from counterfoil.spool import Spool
from counterfoil.wire import AccessToken, Connection, ServerAddress

from .backend import WRITER, ServerBackend
from .known import KnownServer
from .link import Link
from .session import Session

if TYPE_CHECKING:
    from counterfoil.log.setup import Parts, Setup


async def open_server(setup: Setup) -> Parts:
    """Open the parts of a log on a server.

    Raises:
        ConfigurationError, KeyFileError, AccessError, StoreError: see ``AuditLog.open``.
    """
    from counterfoil.log.setup import Parts

    address = ServerAddress.parse(setup.url, plain_http=setup.plain_http)
    if setup.token is None:
        raise ConfigurationError(
            "A server is opened with an access key.",
            remedy="Give it as token= or COUNTERFOIL_TOKEN; `counterfoil key create` makes one.",
        )
    limits = setup.limits or Limits()
    tokens_of = setup.token if callable(setup.token) else None
    token = await _token(setup.token)
    connection = Connection(address, token, timeout=limits.write_timeout)
    try:
        link = Link(connection, KnownServer(_known_file(setup, address)), tokens_of)
        session, away = await link.open()
        catalogue = setup.catalogue or session.catalogue()
        tokens = HeldTokens(lambda company: backend.want_keys(company))
        rules = session.rules(setup.redaction)
        intake = Intake(
            catalogue,
            setup.chain
            or default_chain(catalogue, rules=rules, tokens=tokens, limit=limits.part_bytes),
            setup.clock,
            limits.replay_days,
            # Which log is meant where a call names none is for the server to say.
            log_per_company=True,
            part_bytes=limits.part_bytes,
        )
        backend = ServerBackend(link, tokens, limits)
        folder = spool_folder(setup.spool, address)
        if away is None:
            await _prepare(backend, session)
        path = WritePath(
            backend,
            None if folder is None else Spool(folder, max_bytes=limits.spool_bytes),
            intake,
            catalogue=catalogue,
            clock=setup.clock,
            limits=limits,
            in_order=True,
        )
        await path.start(away)
    except BaseException:
        await connection.close()
        raise
    backend.start(path.abandon)
    return Parts(backend, intake, path, tokens, limits)


async def _prepare(backend: ServerBackend, session: Session) -> None:
    if session.role == WRITER:
        # Events without a company of their own are the key's company's.
        for company in {None, session.company}:
            await backend.fetch_keys(company)
    else:
        await backend.look_back()


async def _token(given: str | Callable[[], str]) -> AccessToken:
    if isinstance(given, str):
        return AccessToken(given)
    try:
        text = await asyncio.to_thread(given)
    except Exception as error:
        raise ConfigurationError(
            f"The access key could not be read ({type(error).__name__}).",
            remedy="Look at the function that was given as token=.",
        ) from error
    return AccessToken(text if isinstance(text, str) else "")


def _known_file(setup: Setup, address: ServerAddress) -> Path:
    return Path(f"{address.name}.known") if setup.key_file is None else Path(setup.key_file)


def spool_folder(named: str | Path | bool, address: ServerAddress) -> Path | None:
    """Where events wait for a server; None where they do not."""
    if named is False:
        return None
    return Path(f"{address.name}.spool") if named is True else Path(named)
