"""Running the server: one process, or several workers behind one port."""

from __future__ import annotations

import signal
import ssl
from pathlib import Path
from typing import Any, Final

import uvicorn
from uvicorn.supervisors import Multiprocess

from counterfoil.errors import ConfigurationError

from .protocol import Protocol

#: Open files of one process, as far as the system lets it.
_FILES: Final = 65_536


def run(
    factory: str,
    *,
    host: str,
    port: int,
    workers: int,
    keep_alive: float,
    drain_timeout: float,
    tls_cert: Path | None = None,
    tls_key: Path | None = None,
    started: Any = None,
) -> None:
    """Serve until SIGTERM or SIGINT; what is under way is finished first.

    Args:
        factory: ``module:function`` that makes the application in each worker.
        host, port: where to listen; port 0 takes one that is free.
        workers: processes that share the port.
        keep_alive: seconds that an unused connection is kept.
        drain_timeout: seconds that requests under way are given at the end.
        tls_cert, tls_key: files in PEM, for HTTPS.
        started: called with the address once the port is taken.

    Raises:
        ConfigurationError: the port or a TLS file cannot be used, or the application not begun.
    """
    _allow_many_files()
    config = uvicorn.Config(
        factory,
        factory=True,
        host=host,
        port=port,
        workers=workers,
        http=Protocol,
        loop="uvloop",
        ws="none",
        lifespan="on",
        # The client's address is read by rules of our own.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_keep_alive=int(keep_alive) or 1,
        timeout_graceful_shutdown=int(drain_timeout) or 1,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )
    try:
        # Looked at here, where an error can still be told; each worker reads them again.
        if tls_cert is not None:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(tls_cert, tls_key)
        listening = config.bind_socket()
        # From now on clients wait, and are not refused, until the application has begun.
        listening.listen(config.backlog)
    except SystemExit:
        raise ConfigurationError(
            f"The port {port} of {host} cannot be listened on.",
            remedy="Another program may have it: choose another with --port.",
        ) from None
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            "The TLS files cannot be used.", remedy="Give a certificate and its key in PEM."
        ) from error
    # The web server passes a signal on once it has drained: being told to end is no failure.
    server = uvicorn.Server(config)

    def end(*_: object) -> None:
        if workers == 1 and not server.started:
            raise SystemExit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    if started is not None:
        scheme = "http" if tls_cert is None else "https"
        started(f"{scheme}://{_shown(host)}:{listening.getsockname()[1]}")
    if workers > 1:
        Multiprocess(config, sockets=[listening]).run()
        return
    server.run(sockets=[listening])
    if not server.started:
        raise ConfigurationError("The server did not start.", remedy="The lines above say why.")


def _allow_many_files() -> None:
    """Have room for all connections: where services begin with 1,024 open files, streams take them.

    Workers inherit it.
    """
    try:
        import resource
    except ImportError:  # not on every system
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
