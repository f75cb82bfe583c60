"""Settings: from the environment, ``.env`` and ``counterfoil.toml``, in this order of weight.

Every setting is a field of :class:`Settings` and a variable ``COUNTERFOIL_<FIELD>``; a limit is
``COUNTERFOIL_LIMITS__<LIMIT>``. ``COUNTERFOIL_CONFIG`` names another TOML file. What is wrong
is reported by the setting's name, never with its value.
"""

from __future__ import annotations

import logging
import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from counterfoil.errors import ConfigurationError

from .server import ServerSettings

logger = logging.getLogger("counterfoil")

PREFIX: Final = "COUNTERFOIL_"
NESTED: Final = "__"
CONFIG_VARIABLE: Final = f"{PREFIX}CONFIG"
DEFAULT_CONFIG: Final = Path("counterfoil.toml")
ENV_FILE: Final = Path(".env")
MASK: Final = "***"
#: Settings that are tables of settings.
TABLES: Final = ("limits", "server")

_SECRET_PARAMETERS = ("auth", "cert", "key", "pass", "secret", "sig", "token")


class LimitSettings(BaseModel):
    """How large events are, how many may wait, and for how long; see ``counterfoil.Limits``."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    queue_events: int = Field(10_000, ge=1, le=10_000_000, description="Events that may wait.")
    queue_bytes: int = Field(
        64 * 1024 * 1024, ge=65_536, le=1 << 40, description="Bytes that they may take together."
    )
    queue_timeout: float = Field(
        5.0, ge=0, le=3600, description="Seconds that a caller waits for room in a full queue."
    )
    write_timeout: float = Field(
        10.0, ge=0.001, le=3600, description="Seconds from queueing to commit, then an error."
    )
    batch_events: int = Field(256, ge=1, le=10_000, description="Events in one transaction.")
    batch_logs: int = Field(64, ge=1, le=64, description="Logs in one transaction.")
    retry_after: float = Field(
        1.0, ge=0, le=3600, description="Seconds after a failure before the store is tried again."
    )
    replay_days: int = Field(
        30, ge=1, le=3650, description="Days after which an event id from a caller is refused."
    )
    part_bytes: int = Field(
        65_536,
        ge=1_024,
        le=16 * 1024 * 1024,
        description="Bytes of each of details, states, changes, metadata and body.",
    )
    spool_bytes: int = Field(
        256 * 1024 * 1024,
        ge=65_536,
        le=1 << 40,
        description="Bytes that may wait in the spool's folder, of all processes together.",
    )


class RedactionSettings(BaseModel):
    """One redaction rule of the application's own; see ``counterfoil.policy.redaction.Rule``."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    fields: list[str] = []
    pattern: str | None = None
    treatment: str = "drop"


class Settings(BaseSettings):
    """What a process needs to know to open its log."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter=NESTED,
        env_file=ENV_FILE,
        env_file_encoding="utf-8",
        env_ignore_empty=True,
        extra="forbid",
        hide_input_in_errors=True,
    )

    url: str = Field(
        "sqlite:///audit.db", min_length=1, description="The log's address; it picks the engine."
    )
    log: str = Field(
        "default",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$",
        description="The log that commands read and write where they name none.",
    )
    log_per_company: bool = Field(
        False,
        description="Whether each company's events go to a log of its own, where no log is named.",
    )
    token: SecretStr | None = Field(
        None, min_length=1, description="The access key, where the address is a server's."
    )
    plain_http: bool = Field(
        False, description="Whether a server's `http://` address may leave this machine."
    )
    key_file: Path | None = Field(
        None,
        description="The signing key's file, by default the database's name with `.key`; for a "
        "server the file that pins its key, by default the host's name with `.known`.",
    )
    profile: str = Field("baseline", description="The retention profile.")
    types: dict[str, dict[str, Any]] = Field(
        default_factory=dict, description="Event types of your own, and changes to the rules."
    )
    redaction: dict[str, RedactionSettings] = Field(
        default_factory=dict, description="Redaction rules of your own, beside the built-in ones."
    )
    spool: bool | Path = Field(
        True,
        description="The folder where events wait while the database is away; true puts it "
        "where the key file is by default, false goes without.",
    )
    text_index: bool | Path = Field(
        True,
        description="The file of the text index that the server keeps of a log in SQLite; true "
        "puts it beside the database, false goes without.",
    )
    outbox: str | None = Field(
        None,
        min_length=1,
        description="The application's database whose outbox `relay` and `serve` move and `stats` "
        "looks at: a PostgreSQL address, `sqlite:///shop.db` or a file.",
    )
    checkpoint_interval: float = Field(
        10.0,
        ge=0,
        le=86_400,
        description="Seconds between signed checkpoints while the log grows; 0 signs only when "
        "asked.",
    )
    limits: LimitSettings = Field(
        default_factory=LimitSettings, description="How much may wait to be written."
    )
    server: ServerSettings = Field(
        default_factory=ServerSettings, description="How `counterfoil serve` listens and answers."
    )

    @property
    def named_log(self) -> str | None:
        """The log, where somebody named one; without that, an event's company may decide."""
        return self.log if "log" in self.model_fields_set else None

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given in code wins, then the environment, ``.env``, the TOML file."""
        toml = TomlConfigSettingsSource(settings_cls, config_file())
        return init_settings, env_settings, _OwnDotEnv(settings_cls), toml


class _OwnDotEnv(DotEnvSettingsSource):
    """``.env``, which other programs share: only our settings are read from it."""

    def __call__(self) -> dict[str, Any]:
        known = Settings.model_fields
        return {name: value for name, value in super().__call__().items() if name in known}


def config_file() -> Path | None:
    """The TOML file that is read: the one named, else ``counterfoil.toml`` where it exists.

    Raises:
        ConfigurationError: the file that ``COUNTERFOIL_CONFIG`` names is not there.
    """
    named = os.environ.get(CONFIG_VARIABLE)
    if not named:
        return DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None
    path = Path(named)
    if not path.is_file():
        raise ConfigurationError(
            f"The file that {CONFIG_VARIABLE} names is not there.",
            remedy="Name a TOML file that exists, or unset the variable.",
        )
    return path


def load_settings(**given: Any) -> Settings:
    """The settings of this process.

    Args:
        given: settings that win over all others; None says nothing.

    Raises:
        ConfigurationError: a setting is unknown or cannot be used, or a file is damaged.
    """
    try:
        for name in unknown_variables():
            logger.warning("%s is set, but there is no such setting; it has no effect.", name)
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise ConfigurationError(_complaints(error), remedy=_SEE) from None
    except SettingsError as error:
        raise ConfigurationError(f"A setting cannot be read: {error}.", remedy=_SEE) from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(
            "The settings file is not valid TOML.", remedy=f"Mend it: {error}."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError("A settings file cannot be read.") from error


def unknown_variables() -> list[str]:
    """Variables of the environment and of ``.env`` that look like settings and are none."""
    known = {CONFIG_VARIABLE} | {f"{PREFIX}{name}".upper() for name in Settings.model_fields}
    nested = tuple(f"{name}{NESTED}" for name in known)
    return sorted(
        upper
        for upper in {name.upper() for name in (*os.environ, *_OwnDotEnv(Settings).env_vars)}
        if upper.startswith(PREFIX) and upper not in known and not upper.startswith(nested)
    )


def shown(settings: Settings) -> Iterator[tuple[str, Any, str]]:
    """Every setting by its full name, its value without secrets, and where it comes from."""
    origins = _origins()
    values = settings.model_dump(mode="json")
    tables = {table: values.pop(table) for table in TABLES}
    values["url"] = mask_url(values["url"])
    if values["token"] is not None:
        values["token"] = MASK
    if values["outbox"] is not None:
        values["outbox"] = mask_url(values["outbox"])
    rows = dict(values)
    for table, held in tables.items():
        rows |= {f"{table}.{name}": value for name, value in held.items()}
    for name, value in rows.items():
        yield name, value, origins.get(name) or origins.get(name.partition(".")[0], "default")


def mask_url(url: str) -> str:
    """A URL without its user info, and without the values of parameters that may be secret."""
    try:
        parts = urlsplit(url)
        _, at, host = parts.netloc.rpartition("@")
        netloc = f"{MASK}@{host}" if at else parts.netloc
        query = urlencode(
            [
                (name, MASK if _may_be_secret(name) else value)
                for name, value in parse_qsl(parts.query, keep_blank_values=True)
            ],
            safe="*/:",
        )
    except ValueError:
        return MASK
    if not parts.netloc:
        # urlunsplit would take the empty host of sqlite:///file away.
        return f"{url.partition('?')[0]}?{query}" if query else url.partition("?")[0]
    return urlunsplit((parts.scheme, netloc, parts.path, query, ""))


def _may_be_secret(name: str) -> bool:
    folded = name.lower()
    return any(word in folded for word in _SECRET_PARAMETERS)


_SEE = "See docs/reference/settings.md."


def _complaints(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return " ".join(
        f"The setting {'.'.join(map(str, one['loc']))} cannot be used: "
        f"{one['msg'][:1].lower()}{one['msg'][1:]}."
        for one in found
    )


def _origins() -> dict[str, str]:
    """Where each setting that is not a default comes from, the weightiest last."""
    origins: dict[str, str] = {}
    path = config_file()
    if path is not None:
        origins |= dict.fromkeys(_flat(TomlConfigSettingsSource(Settings, path)()), path.name)
    origins |= dict.fromkeys(_flat(_OwnDotEnv(Settings)()), str(ENV_FILE))
    for name in os.environ:
        if name.upper().startswith(PREFIX) and os.environ[name]:
            origins[name[len(PREFIX) :].lower().replace(NESTED, ".")] = "environment"
    return origins


def _flat(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if name in TABLES and isinstance(value, Mapping):
            yield from (f"{name}.{limit}" for limit in value)
        else:
            yield name
