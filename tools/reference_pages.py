"""Writes the pages of docs/reference that say what the code says: cli, settings, errors, api."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer.main
from fastapi.routing import APIRoute

import counterfoil
from counterfoil import errors
from counterfoil.access.role import GRANTS, Permission, Role
from counterfoil.cli.app import app
from counterfoil.log.read.criteria import Filters
from counterfoil.server.app import create_app
from counterfoil.server.authentication import Needs
from counterfoil.server.metrics import Metrics
from counterfoil.server.problem import CODES, OWN_CODES
from counterfoil.settings import LimitSettings, ServerSettings, Settings

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
MARK = "<!-- Written by `make docs` from {source}. Do not edit. -->\n"

CLI = """\
# Command line

`counterfoil COMMAND --help` says the same. `python -m counterfoil` is the same command.

| exit code | means |
|---|---|
| 0 | fine |
| 1 | something was tampered with, or a check failed |
| 2 | the command cannot be run as asked: usage, settings, a missing file, no answer |

`--json` prints JSON for programs, with times in UTC. Without it times are local, or UTC with
`--utc`; where the output is not a terminal, each line is whole and has its time's zone. `NO_COLOR`
switches colours off. Nothing ever asks back. Which log is meant is said by `--url`, or by the
[settings](settings.md).
"""

SETTINGS = """\
# Settings

Where a setting comes from, the first that has it: what is given in code or on the command line,
the environment, the file `.env`, the file `counterfoil.toml`, its default. `COUNTERFOIL_CONFIG`
names another TOML file. `counterfoil config show` prints what applies and where it comes from,
without secrets: user info in the address, and parameters of it that may be a key or token.

A setting in the TOML file that there is not, or a value that cannot be used, stops the program with
an error that names the setting and never the value. A variable `COUNTERFOIL_…` that is no setting
is warned of.
"""

TABLES = """\
## Tables

In variables, tables are JSON.

- `types`: event types of your own and changes to the rules, as in
  [the event catalogue](catalogue.md#types-of-your-own).
- `redaction`: rules of your own beside the built-in ones, by name. `fields` is a list of names and
  dotted paths, `pattern` a regular expression, `treatment` one of `drop`, `last4`, `token` and
  `generalise`.

```toml
# counterfoil.toml
url = "sqlite:////var/lib/shop/audit.db"
key_file = "/etc/shop/audit.key"
profile = "pci"
checkpoint_interval = 5

[limits]
queue_events = 20000

[types."loan.approved"]
level = "warning"

[redaction.employee_number]
fields = ["employee_number"]
treatment = "token"
```
"""

ERRORS = """\
# Errors

Everything that Counterfoil raises is a `CounterfoilError`, from `counterfoil.errors`. `message`
says what was wrong, `remedy` what to do; `str()` gives both. No message holds a value that came
from an event.

`WriteError` carries `event_id`, with which a retry is safe, and `outcome_known`: True where the
event is certainly not recorded, False where it may be.

The command line exits with 1 on a `ProofError`, `RollbackError` or `StoreCorruptError`, and with 2
on any other.
"""

API = """\
# Python interface

What `import counterfoil` offers. [`counterfoil.errors`](errors.md) and
[`counterfoil.capture`](capture.md) are public too; everything else may change without notice.
"""


HTTP = """\
# HTTP

What `counterfoil serve` answers; [how to run it](../how-to/run-the-server.md). Every request under
`/v1` carries `Authorization: Bearer cf_...`. An error is a problem (RFC 9457,
`application/problem+json`) with a stable `code`, a `title` that says what was wrong, a `detail`
that says what to do, and, of an event that was to be written, `event_id` and `outcome_known`. Every
answer has `X-Request-ID`; answers that count against a limit have `RateLimit-Limit`, `-Remaining`
and `-Reset`, and refusals for a while have `Retry-After`.
"""


def cli() -> Iterator[str]:
    """The command line's page."""
    yield CLI
    group: Any = typer.main.get_command(app)
    for name, command in _commands(group):
        yield f"## {name}\n\n{_paragraphs(inspect.getdoc(command.callback) or '')}\n"
        yield "| option | |\n|---|---|"
        for parameter in command.params:
            if parameter.name != "help":
                names = [f"`{option}`" for option in parameter.opts]
                if parameter.param_type_name == "argument":
                    names = [f"`{parameter.name.upper()}`"]
                yield f"| {', '.join(names)} | {_cell(parameter.help or '')} |"
        yield ""


def settings() -> Iterator[str]:
    """The settings' page."""
    yield SETTINGS
    yield "| setting | variable | default | |\n|---|---|---|---|"
    for name, field in Settings.model_fields.items():
        if name not in ("limits", "server"):
            yield _setting(name, f"COUNTERFOIL_{name.upper()}", field)
    yield "\n## Limits\n\nUnder `[limits]` in the TOML file.\n"
    yield "| setting | variable | default | |\n|---|---|---|---|"
    for name, field in LimitSettings.model_fields.items():
        yield _setting(f"limits.{name}", f"COUNTERFOIL_LIMITS__{name.upper()}", field)
    yield "\n## Server\n\nUnder `[server]` in the TOML file; for `counterfoil serve`.\n"
    yield "| setting | variable | default | |\n|---|---|---|---|"
    for name, field in ServerSettings.model_fields.items():
        yield _setting(f"server.{name}", f"COUNTERFOIL_SERVER__{name.upper()}", field)
    yield f"\n{TABLES}"


def error_tree() -> Iterator[str]:
    """The errors' page."""
    yield ERRORS
    tree = (inspect.getdoc(errors) or "").split("\n\n")[1]
    yield f"```text\n{inspect.cleandoc(tree)}\n```\n"
    yield "| error | message, where none is given | remedy |\n|---|---|---|"
    for name, error in vars(errors).items():
        if inspect.isclass(error) and issubclass(error, errors.CounterfoilError):
            yield f"| `{name}` | {_first(error)} | {error.remedy or 'as the message says'} |"
    yield ""


def api() -> Iterator[str]:
    """The Python interface's page."""
    yield API
    yield "| name | is |\n|---|---|"
    for name in vars(counterfoil)["__all__"]:
        value = getattr(counterfoil, name)
        yield f"| `{name}` | {_first(value) if inspect.isclass(value) else 'a type variable'} |"
    yield "\n## AuditLog\n"
    yield "`SyncAuditLog` has the same methods for callers without an event loop; its `events` and"
    yield "`follow` are plain iterators.\n"
    for name in vars(counterfoil.AuditLog):
        if not name.startswith("_") and callable(getattr(counterfoil.AuditLog, name)):
            method = getattr(counterfoil.AuditLog, name)
            yield f"### {name}\n\n```python\n{_signature(name, method)}\n```\n"
            yield f"{_plain(inspect.getdoc(method) or '')}\n"
    yield f"## Filters\n\n{_plain(inspect.getdoc(Filters) or '')}\n"
    yield f"## Event\n\n{_plain(inspect.getdoc(counterfoil.Event) or '')}\n"
    yield "| field | type |\n|---|---|"
    for field in counterfoil.Event.__dataclass_fields__.values():
        yield f"| `{field.name}` | {_cell(str(field.type))} |"
    yield "\n`as_dict()` gives the event as plain JSON values."


def http() -> Iterator[str]:
    """The server's page."""
    yield HTTP
    yield "## Roles\n\n| role | is for | may |\n|---|---|---|"
    for role in Role:
        may = ", ".join(f"`{one.value}`" for one in Permission if one in GRANTS[role])
        yield f"| `{role.value}` | {_doc_of(Role, role.name)} | {may} |"
    yield "\n| permission | |\n|---|---|"
    for permission in Permission:
        yield f"| `{permission.value}` | {_doc_of(Permission, permission.name)} |"
    yield "\n## Routes\n\n| route | needs | |\n|---|---|---|"
    application = create_app(_never)
    for prefix, router in application.state.routers:
        for route in router.routes:
            if isinstance(route, APIRoute):
                methods = ", ".join(sorted(route.methods or ()))
                needs = _needs(route)
                what = _first(route.endpoint)
                yield f"| `{methods} {prefix}{route.path}` | {needs} | {what} |"
    yield "\nParameters, bodies and answers are in `/openapi.json`, and shown under `/docs`.\n"
    yield "## Problems\n\n| code | status | |\n|---|---|---|"
    for error, (status, code) in CODES.items():
        yield f"| `{code}` | {status} | {_first(error)} |"
    yield "| `outcome_unknown` | 503 | The event may yet have been recorded; a retry is safe. |"
    for code, (status, title) in OWN_CODES.items():
        yield f"| `{code}` | {status} | {title} |"
    yield "\n## Metrics\n\n| metric | type | |\n|---|---|---|"
    for metric in Metrics().registry.collect():
        yield f"| `{metric.name}` | {metric.type} | {metric.documentation} |"


def _needs(route: APIRoute) -> str:
    found = [one.call for one in route.dependant.dependencies if isinstance(one.call, Needs)]
    if not found:
        return "a key, unless set otherwise" if route.path == "/metrics" else "nothing"
    permission = found[0].permission
    return "any key" if permission is None else f"`{permission.value}`"


def _doc_of(enum: type, member: str) -> str:
    """The text below a member of an enum."""
    source = inspect.getsource(enum)
    found = re.search(rf'{member} = .*\n\s+"""(.*?)"""', source)
    return found[1] if found else ""


def _never() -> Any:
    raise AssertionError("only looked at")


PAGES: dict[str, tuple[str, Callable[[], Iterator[str]]]] = {
    "cli.md": ("src/counterfoil/cli", cli),
    "settings.md": ("src/counterfoil/settings", settings),
    "errors.md": ("src/counterfoil/errors.py", error_tree),
    "http.md": ("src/counterfoil/server", http),
    "api.md": ("src/counterfoil/log/audit_log.py", api),
}


def page(name: str) -> str:
    """A page, as Markdown."""
    source, lines = PAGES[name]
    text = "\n".join([MARK.format(source=source), *lines()])
    return re.sub(r"\n{3,}", "\n\n", text).rstrip("\n") + "\n"


def _commands(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, f"{prefix}{name} ")
        else:
            yield prefix + name, command


def _paragraphs(text: str) -> str:
    """Help, with what is typed or read by a program as code."""
    return "\n\n".join(
        f"`{part}`"
        if part.startswith(("counterfoil ", "{"))
        else re.sub(r"(<id>\S*)", r"`\1`", part)
        for part in text.split("\n\n")
    )


def _setting(name: str, variable: str, field: Any) -> str:
    value = field.get_default(call_default_factory=True)
    shown = "none" if value in (None, {}) else f"`{str(value).lower() if value is True else value}`"
    return f"| `{name}` | `{variable}` | {shown} | {_cell(field.description)} |"


def _first(documented: object) -> str:
    return _plain((inspect.getdoc(documented) or "").partition("\n")[0])


def _plain(text: str) -> str:
    """A docstring as Markdown."""
    text = re.sub(r":\w+:`(?:[\w.]*\.)?(\w+)`", r"`\1`", text).replace("``", "`")
    text = re.sub(r"^(Args|Raises|Returns|Attributes):$", r"\1:\n", text, flags=re.MULTILINE)
    entry = re.compile(r"^    (\w[\w, ]*):", re.MULTILINE)
    text = entry.sub(r"- `\1`:", text)
    return re.sub(r"^        ", "  ", text, flags=re.MULTILINE)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


class _Bare(str):
    """An annotation that is printed as it was written."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _signature(name: str, method: Callable[..., Any]) -> str:
    written = inspect.signature(method)
    parameters = [
        item.replace(
            annotation=_Bare(item.annotation),
            default=_Bare("SYSTEM_CLOCK") if item.name == "clock" else item.default,
        )
        for item in written.parameters.values()
        if item.name != "self"
    ]
    shown = written.replace(
        parameters=parameters, return_annotation=_Bare(written.return_annotation)
    )
    inner = inspect.unwrap(method)
    prefix = "async " if inspect.iscoroutinefunction(inner) else ""
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--quiet", "-"],
        input=f"{prefix}def {name}{shown}: ...",
        capture_output=True,
        text=True,
        check=True,
    )
    return formatted.stdout.rstrip()


if __name__ == "__main__":
    for _name in PAGES:
        _path = FOLDER / _name
        if not _path.exists() or _path.read_text(encoding="utf-8") != page(_name):
            _path.write_text(page(_name), encoding="utf-8")
            print(f"wrote docs/reference/{_name}")
