"""The composition root: settings in, objects out."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TextIO

from counterfoil.capture.client_address import TrustedProxies
from counterfoil.errors import ConfigurationError, MissingExtraError
from counterfoil.log import AuditLog, Limits
from counterfoil.log.opening import Opening
from counterfoil.outbox.place import connector_to
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.redaction import Rule, Rules
from counterfoil.settings import Settings, load_settings
from counterfoil.settings import shown as shown_settings
from counterfoil.store import open_store
from counterfoil.store.address import sqlite_path
from counterfoil.store.postgres_address import SCHEMES
from counterfoil.wire.address import is_server

if TYPE_CHECKING:
    from fastapi import FastAPI

    from counterfoil.access import Keyring, Services
    from counterfoil.search.indexer import Indexer

#: How ``serve`` tells its workers what the command line said.
SERVED: Final = "_COUNTERFOIL_SERVED_SETTINGS"


def open_log(
    settings: Settings,
    *,
    create: bool = True,
    writes: bool = True,
    indexes: bool = False,
    relays: bool = False,
) -> Opening[AuditLog]:
    """The log that the settings describe, to be awaited or used in ``async with``.

    Args:
        create: whether a database that is not there is made.
        writes: whether events will be written: a process that only reads signs no checkpoint
            that it is not asked for, and leaves the spool to those that write.
        indexes: whether the text index is kept, where the settings have one.
        relays: whether the outbox is moved in the background, where the settings have one.

    Raises:
        ConfigurationError: a setting cannot be used, or there is no database and none is to
            be made.
        MissingExtraError: the outbox is in PostgreSQL, and asyncpg is not installed.
    """
    if not create and settings.url.startswith("sqlite:"):
        path = sqlite_path(settings.url)
        if not path.is_file():
            raise ConfigurationError(
                f"There is no database {path}.",
                remedy="Name one with --url or COUNTERFOIL_URL, or write a first event.",
            )
    arguments: dict[str, Any] = {
        "key_file": settings.key_file,
        "catalogue": None if is_server(settings.url) else catalogue_of(settings),
        "log_per_company": settings.log_per_company,
        "limits": Limits(**settings.limits.model_dump()),
        "redaction": redaction_rules(settings),
        "checkpoint_interval": (settings.checkpoint_interval or None) if writes else None,
        "spool": settings.spool if writes else False,
        "token": None if settings.token is None else settings.token.get_secret_value(),
        "plain_http": settings.plain_http,
        "text_index": settings.text_index if indexes else False,
    }
    if relays and settings.outbox is not None:
        arguments["outbox"] = connector_to(settings.outbox)
    opening = AuditLog.open(settings.url, **arguments)
    if create or settings.url.partition(":")[0] not in SCHEMES:
        return opening

    async def open_existing() -> AuditLog:
        # First, as it says where the driver is not installed.
        name = open_store(settings.url).name
        from counterfoil.store.postgres_schema import holds_log

        if not await holds_log(settings.url, patience=settings.limits.write_timeout):
            raise ConfigurationError(
                f"There is no log in {name}.",
                remedy="Name another database with --url or COUNTERFOIL_URL, or write a first "
                "event.",
            )
        return await opening

    return Opening(open_existing)


@asynccontextmanager
async def indexer_of(settings: Settings) -> AsyncIterator[Indexer]:
    """The text index of the log, open, and what fills it; nothing goes on by itself.

    Raises:
        ConfigurationError: the settings have none, or the log is a server's.
    """
    async with open_log(settings, create=False, writes=False) as audit:
        indexer = audit.host.make_indexer(settings.text_index)
        await indexer.index.open()
        try:
            yield indexer
        finally:
            await indexer.index.close()


def catalogue_of(settings: Settings) -> Catalogue:
    """The event catalogue under the settings' profile, with their own types and changes.

    Raises:
        ConfigurationError: there is no such profile, or a type's settings cannot be used.
    """
    return Catalogue.under(settings.profile, settings.types)


def redaction_rules(settings: Settings) -> Rules:
    """The settings' redaction rules, which are added to the built-in ones.

    Raises:
        ConfigurationError: a rule cannot be used.
    """
    return Rules(
        # An unknown treatment is refused by Rules, which names the rule.
        Rule(name, table.fields, table.pattern, table.treatment)  # type: ignore[arg-type]
        for name, table in settings.redaction.items()
    )


def serve(settings: Settings) -> None:
    """Serve the log over HTTP until SIGTERM or SIGINT.

    The first start makes the first admin key: into the file that is set, else shown on a
    terminal. Where there is neither, it says how to make one: a key must not stand in a log.

    Raises:
        MissingExtraError: the server's packages are not installed.
        ConfigurationError, StoreError: it cannot be served.
    """
    try:
        from counterfoil.server.logs import configure_logs
        from counterfoil.server.run import run
    except ImportError as error:
        raise MissingExtraError("The server", "server") from error
    if is_server(settings.url):
        raise ConfigurationError(
            "The address is a server's: only a database is served.",
            remedy="Give the database's own address with --url or COUNTERFOIL_URL.",
        )
    server = settings.server
    # Looked at here, where an error can still be told.
    TrustedProxies(server.trusted_proxies, header=server.forwarded_header)
    if settings.outbox is not None:
        connector_to(settings.outbox)
    asyncio.run(_prepare(settings))
    configure_logs(server.log_format, server.log_level)
    # Workers are processes of their own: they read the settings that this one has settled.
    os.environ[SERVED] = settings.model_dump_json()
    run(
        "counterfoil.assembly:served_app",
        host=server.host,
        port=server.port,
        workers=server.workers,
        keep_alive=server.keep_alive,
        drain_timeout=server.drain_timeout,
        tls_cert=server.tls_cert,
        tls_key=server.tls_key,
        started=_say_where,
    )


def served_app() -> FastAPI:
    """The application of a worker of :func:`serve`; or of another ASGI server, by settings."""
    from counterfoil.server.logs import configure_logs

    held = os.environ.get(SERVED)
    settings = load_settings() if held is None else Settings.model_validate_json(held)
    configure_logs(settings.server.log_format, settings.server.log_level)
    return server_app(settings)


def server_app(settings: Settings) -> FastAPI:
    """The server's application: the API, and the pages of the viewer."""
    from counterfoil.access import Services
    from counterfoil.server.app import create_app
    from counterfoil.server.options import ServerOptions
    from counterfoil.viewer import no_such_page, router

    @asynccontextmanager
    async def services() -> AsyncIterator[Services]:
        async with open_log(settings, indexes=True, relays=True) as audit:
            yield Services.of(audit, log=settings.log)

    server = settings.server
    options = ServerOptions(
        max_body=server.max_body,
        max_events=server.max_events,
        max_requests=server.max_requests,
        max_streams=server.max_streams,
        body_timeout=server.body_timeout,
        reads_per_minute=server.reads_per_minute,
        writes_per_minute=server.writes_per_minute,
        trusted_proxies=tuple(server.trusted_proxies),
        forwarded_header=server.forwarded_header,
        docs=server.docs,
        metrics=server.metrics,
        https=server.https or server.tls_cert is not None,
        profile=settings.profile,
        types=settings.types,
        redaction={name: rule.model_dump() for name, rule in settings.redaction.items()},
    )
    return create_app(services, options, pages=[router], missing=no_such_page)


async def _prepare(settings: Settings) -> None:
    """Record what changed since the last start, and make the first key."""
    from counterfoil.access import Services

    async with open_log(settings) as audit:
        services = Services.of(audit, log=settings.log)
        shown = {name: value for name, value, _ in shown_settings(settings)}
        await services.configuration.note(shown)
        if await services.keyring.is_new():
            await _first_key(services.keyring, settings.server.first_key_file)


async def _first_key(keyring: Keyring, file: Path | None) -> None:
    if file is not None:
        # The file first: a key that nobody can read would be the only one.
        out = _private_file(file)
        made = await keyring.first_admin()
        with out:
            out.write("" if made is None else f"{made[1]}\n")
    elif sys.stdout.isatty():
        made = await keyring.first_admin()
        if made is not None:
            print(  # noqa: T201 - to the operator alone
                f"The first admin key, shown this once:\n\n  {made[1]}\n", flush=True
            )
    else:
        print(  # noqa: T201 - to the operator
            "There is no access key yet: run `counterfoil key create --role admin`, or name a "
            "file with COUNTERFOIL_SERVER__FIRST_KEY_FILE.",
            file=sys.stderr,
        )


def _private_file(path: Path) -> TextIO:
    """A new file that only its owner may read, from its first byte on."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w")
    except OSError as error:
        raise ConfigurationError(
            "The file for the first key cannot be made.",
            remedy="Name a file that is not there yet, in a folder that can be written to.",
        ) from error


def _say_where(address: str) -> None:
    print(f"Counterfoil at {address} (API: {address}/docs)", flush=True)  # noqa: T201
