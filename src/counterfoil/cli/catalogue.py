"""``counterfoil catalogue``: by which rules event types are recorded here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from counterfoil.errors import InputError

from . import options
from .terminal import print_table, say, write_json

if TYPE_CHECKING:
    from counterfoil.policy.catalogue import Catalogue, Rule


def catalogue(
    types: Annotated[
        list[str] | None, typer.Argument(help="Event types to show; all where none are named.")
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", help="As this retention profile would have it.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Show how each event type is recorded: level, periods, and what is left out.

    With the profile and the types of the settings; * marks what they change. The periods are
    in days: first the disclosures, then the event.
    """
    from counterfoil.assembly import catalogue_of
    from counterfoil.policy.catalogue import RULES
    from counterfoil.settings import load_settings

    found = catalogue_of(load_settings(profile=profile))
    unknown = set(types or ()) - found.rules.keys()
    if unknown:
        raise InputError(
            "An event type that is named here is not registered.",
            remedy="The default rule would apply to it; `counterfoil catalogue` lists all types.",
        )
    rules = [rule for name, rule in found.rules.items() if not types or name in types]
    if as_json:
        write_json(
            {
                "profile": found.profile.name,
                "floor": found.profile.floor,
                "types": {rule.event_type: rule.as_dict() for rule in rules},
                "default": found.default.as_dict(),
            }
        )
        return
    say(f"Profile {found.profile.name}: {found.profile.purpose}.")
    _show(rules, {rule.event_type: RULES.get(rule.event_type) for rule in rules})
    if not types:
        say(f"Any other type: {_brief(found)}.", "dim")


def _show(rules: list[Rule], shipped: dict[str, Rule | None]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("type", "level", "days", "personal data", "on failure", "outcome", "besides"):
        table.add_column(name, no_wrap=name != "besides")
    for rule in rules:
        before = shipped[rule.event_type]
        own = _cells(rule)
        known = own if before is None else _cells(before)
        marked = [
            cell if cell == was else f"{cell or '-'} *"
            for cell, was in zip(own, known, strict=True)
        ]
        table.add_row(rule.event_type if before is not None else f"{rule.event_type} *", *marked)
    print_table(table)


def _cells(rule: Rule) -> list[str]:
    besides = []
    if rule.anonymize:
        besides.append("pseudonymised")
    if rule.drop:
        besides.append(f"{len(rule.drop)} names dropped")
    if rule.tokenise:
        besides.append(f"{len(rule.tokenise)} as token")
    if rule.actor_details:
        besides.append("details go with the actor")
    return [
        rule.level.value,
        f"{_days(rule.disclosure_days)} / {_days(rule.event_days)}",
        rule.personal_data.value,
        rule.on_failure.value,
        rule.outcome,
        ", ".join(besides),
    ]


def _brief(found: Catalogue) -> str:
    return ", ".join(cell for cell in _cells(found.default) if cell)


def _days(days: int | None) -> str:
    return "always" if days is None else str(days)
