"""The composition root: settings in, objects out."""

from __future__ import annotations

from typing import Any

from counterfoil.errors import ConfigurationError
from counterfoil.log import AuditLog, Limits
from counterfoil.log.opening import Opening
from counterfoil.policy.catalogue import Catalogue
from counterfoil.policy.redaction import Rule, Rules
from counterfoil.settings import Settings
from counterfoil.store.address import sqlite_path


def open_log(settings: Settings, *, create: bool = True, writes: bool = True) -> Opening[AuditLog]:
    """The log that the settings describe, to be awaited or used in ``async with``.

    Args:
        create: whether a database that is not there is made.
        writes: whether events will be written: a process that only reads signs no checkpoint
            that it is not asked for, and leaves the spool to those that write.

    Raises:
        ConfigurationError: a setting cannot be used, or there is no database and none is to
            be made.
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
        "catalogue": catalogue_of(settings),
        "limits": Limits(**settings.limits.model_dump()),
        "redaction": redaction_rules(settings),
        "checkpoint_interval": (settings.checkpoint_interval or None) if writes else None,
        "spool": settings.spool if writes else False,
    }
    return AuditLog.open(settings.url, **arguments)


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
