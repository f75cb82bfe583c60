"""Writes docs/reference/catalogue.md from the rules that ship with the package."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from counterfoil.policy.catalogue import (
    DEFAULT_RULE,
    INVALID_TYPE,
    LOG_RULES,
    PROFILES,
    RULES,
    Profile,
    Rule,
)

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "catalogue.md"

HEAD = """\
<!-- Written by `make docs` from src/counterfoil/policy/catalogue/table.py. Do not edit. -->

# Event catalogue

How each event type is recorded where the call does not say. What the call names itself
always wins: its `level`, its `outcome`, and a `retention_period` that it sets, which then
counts for the event and its disclosures alike.

*Kept* is in days from the recording: first the disclosures (identities, states, details,
request body), then the event. *Block* means that `log_event` raises unless the event is
committed; *spool*, that it waits in a durable local spool while the log cannot be written.
"""

OWN_TYPES = f"""\
## Types of your own

A name is of the form `[a-z][a-z0-9_.]{{0,63}}`. Pass it as text, or as a member of an enum
whose values are such texts.

- A type that nobody registered follows the default rule (below), and the program's log says
  so once. Its details are taken to be about the actor: erasing the actor erases them.
- A type that begins with `audit.` is recorded as `app.audit.…`: those names belong to the
  log's own events.
- A text that is no valid name is recorded as `{INVALID_TYPE}`, and the given text goes into
  the details. The event is never lost by its name.

Register types, and change rules, in one table of the settings:

```toml
[types.price_changed]
level = "critical"
days = [400, 2192]      # disclosures, event; one number for both; "never"

[types."loan.approved"]
on_failure = "block"
personal_data = "sensitive"
```

Known keys: `level`, `days`, `personal_data`, `on_failure`, `outcome`, `anonymize`,
`actor_details` (the details go when the actor is erased), and `drop` and `tokenise`, lists of
member names that add to the rule's own.
"""


def page() -> str:
    """The whole page, as Markdown."""
    return "\n".join(
        [
            HEAD,
            *_rules_table(RULES.values()),
            "",
            "## What is left out, and what becomes a token",
            "",
            "Wherever such a member stands: in details, metadata, states, changes or body. A",
            "number, a boolean or null under such a name stays, since a count is not content.",
            "",
            *_names_table(RULES.values()),
            "",
            "## Profiles",
            "",
            "A shorter period that is set explicitly is honoured, and noticed once a type.",
            "",
            *_profiles_table(PROFILES.values()),
            "",
            OWN_TYPES,
            *_rules_table([DEFAULT_RULE], name="any other type"),
            "",
            "## The log's own events",
            "",
            "They never expire, and no setting changes them.",
            "",
            *_rules_table(LOG_RULES.values()),
            "",
        ]
    )


def _rules_table(rules: Iterable[Rule], name: str | None = None) -> Iterator[str]:
    yield "| type | level | kept | personal data | cannot be written | outcome | besides |"
    yield "|---|---|---|---|---|---|---|"
    for rule in rules:
        cells = [
            name or f"`{rule.event_type}`",
            rule.level.value,
            f"{_days(rule.disclosure_days)} / {_days(rule.event_days)}",
            rule.personal_data.value,
            rule.on_failure.value,
            rule.outcome,
            "; ".join(_remarks(rule)),
        ]
        yield f"| {' | '.join(cells)} |"


def _remarks(rule: Rule) -> Iterator[str]:
    if rule.anonymize:
        yield "pseudonymised"
    if rule.drop:
        yield "members dropped"
    if rule.tokenise:
        yield "recipient as token"
    if rule.actor_details:
        yield "details go with the actor"


def _names_table(rules: Iterable[Rule]) -> Iterator[str]:
    handled: dict[tuple[str, frozenset[str]], list[str]] = {}
    for rule in rules:
        for treatment, names in (("dropped", rule.drop), ("token", rule.tokenise)):
            if names:
                handled.setdefault((treatment, names), []).append(rule.event_type)
    yield "| types | becomes | members |"
    yield "|---|---|---|"
    for (treatment, names), types in handled.items():
        yield f"| {_code(types)} | {treatment} | {_code(sorted(names))} |"


def _profiles_table(profiles: Iterable[Profile]) -> Iterator[str]:
    yield "| profile | for | both stages kept |"
    yield "|---|---|---|"
    for profile in profiles:
        if profile.period is not None:
            kept = f"{profile.period} days"
        elif profile.floor:
            kept = f"as above, at least {profile.floor} days"
        else:
            kept = "as above"
        yield f"| `{profile.name}` | {profile.purpose} | {kept} |"


def _days(days: int | None) -> str:
    return "always" if days is None else str(days)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        sys.exit(0)
    PAGE.write_text(page(), encoding="utf-8")
    print("wrote docs/reference/catalogue.md")
