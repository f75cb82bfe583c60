"""The redactor: what never reaches storage in clear is taken out here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from .bodies import read_body
from .glance import Glance
from .keys import Keys
from .names import Names
from .parts import PartsWalk
from .plain import JSON
from .rules import Rules
from .scan import Scan
from .tokens import Tokens
from .treatment import Finding

LONGEST_TEXT = 65_536
"""Characters: what is longer is over every part's limit, and would be left out later."""

KEPT_VARIANTS = 256
"""Compiled lists of `sensitive_fields` kept in memory; beyond that the oldest goes."""


class _Variant(NamedTuple):
    rules: Rules
    names: Names
    keys: Keys

    @classmethod
    def of(cls, rules: Rules) -> _Variant:
        names = Names(rules.names)
        return cls(rules, names, Keys(names, rules.kinds))


class Redactor:
    """Takes secrets out of an event's values, and makes them plain JSON in the same pass.

    What comes out holds dicts with text keys, lists, texts, integers below 2^53, finite floats,
    booleans and null, and `orjson.dumps` takes it. Cleaning it again changes nothing. No input
    makes it raise, and no object that is not known has any of its code run.

    It may be used from several threads at once.

    Args:
        rules: the application's rules, in addition to the built-in ones.
        tokens: makes tokens; without it what is due a token is dropped.
        longest: characters of the longest text that is looked at, 1 or more; in the place of a
            longer one stands `[truncated:<bytes>]`.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        tokens: Tokens | None = None,
        *,
        longest: int = LONGEST_TEXT,
    ) -> None:
        self._variant = _Variant.of(rules or Rules())
        self._variants: dict[tuple[Any, ...], _Variant] = {}
        self._tokens = tokens
        self._longest = longest

    def clean(
        self,
        value: object,
        *,
        root: str = "details",
        sensitive_fields: Sequence[str] = (),
        company_id: str | None = None,
    ) -> JSON:
        """One part of an event, clean.

        Args:
            value: anything.
            root: which part it is: `details`, `before_state`, `after_state`, `changes`,
                `metadata`, `body`, or one of the context's texts (`user_id`, `ip_address`, …).
                Paths of rules start with it; in `changes` the keys are JSON pointers, whose
                parts are names; in the context's own ids (`parts.IDENTIFIERS`) the rules for
                card numbers, IBANs and base64 do not run.
            sensitive_fields: further names and dotted paths to drop, in this call.
            company_id: whose tokens.
        """
        return self.clean_all(
            {root: value}, sensitive_fields=sensitive_fields, company_id=company_id
        )[root]

    def clean_all(
        self,
        parts: Mapping[str, object],
        *,
        sensitive_fields: Sequence[str] = (),
        company_id: str | None = None,
    ) -> dict[str, JSON]:
        """Several parts of one event in one pass, which costs less than a pass for each.

        Args:
            parts: each part's value by its name, as `root` in `clean`.
            sensitive_fields: as in `clean`.
            company_id: as in `clean`.
        """
        changed = self.changed(parts, sensitive_fields=sensitive_fields, company_id=company_id)
        return {**parts, **changed}  # type: ignore[dict-item]  # the rest are texts

    def changed(
        self,
        parts: Mapping[str, object],
        *,
        sensitive_fields: Sequence[str] = (),
        company_id: str | None = None,
    ) -> dict[str, JSON]:
        """As `clean_all`, but for the parts that are texts and stay as they are.

        Args:
            parts: as in `clean_all`.
            sensitive_fields: as in `clean`.
            company_id: as in `clean`.
        """
        variant = self._variant_of(sensitive_fields)
        out: dict[str, JSON] = {}
        unsure: Iterable[str] = parts
        if not variant.rules.paths:
            glance = Glance(variant.rules, variant.keys, self._longest)
            copies = glance.copies(parts)
            if self._passes(glance, variant):
                out, unsure = copies, glance.unsure
                agent = parts.get("user_agent")
                if type(agent) is str and agent not in variant.keys.harmless[False]:
                    # The longest text of most events, and the same in many.
                    variant.keys.spare(agent, identifier=False)
        if unsure:
            walk = self._walk(variant, company_id)
            for root in unsure:
                walk.part(out, root, parts[root])
            walk.finish()
        return out

    def text(
        self,
        text: str,
        *,
        identifier: bool = False,
        sensitive_fields: Sequence[str] = (),
        company_id: str | None = None,
    ) -> str:
        """One text, clean.

        Args:
            text: any text.
            identifier: it is one of the context's own ids, where the rules for card numbers,
                IBANs and base64 do not run.
            sensitive_fields: as in `clean`.
            company_id: as in `clean`.
        """
        root = "user_id" if identifier else "text"
        clean = self.clean(
            text, root=root, sensitive_fields=sensitive_fields, company_id=company_id
        )
        return clean if isinstance(clean, str) else ""

    def body(
        self,
        content_type: str | None,
        data: bytes,
        *,
        content_encoding: str | None = None,
        sensitive_fields: Sequence[str] = (),
        company_id: str | None = None,
    ) -> JSON:
        """A request's body, clean.

        JSON and forms as values, texts as texts; of a multipart body the name, type and size of
        each part; of anything else, of what is compressed and of what is over 1 MiB only type
        and size.

        Args:
            content_type: the header's value.
            data: the body.
            content_encoding: the header's value.
            sensitive_fields: as in `clean`.
            company_id: as in `clean`.
        """
        return self.clean(
            read_body(content_type, data, content_encoding=content_encoding),
            root="body",
            sensitive_fields=sensitive_fields,
            company_id=company_id,
        )

    def explain(
        self, value: object, *, root: str = "details", sensitive_fields: Sequence[str] = ()
    ) -> list[Finding]:
        """What `clean` would redact, and by which rule. The findings hold no values.

        Args:
            value: anything.
            root: as in `clean`.
            sensitive_fields: as in `clean`.
        """
        findings: list[Finding] = []
        walk = self._walk(self._variant_of(sensitive_fields), None, findings)
        out: dict[str, JSON] = {}
        walk.part(out, root, value)
        walk.finish()
        return findings

    def _passes(self, glance: Glance, variant: _Variant) -> bool:
        """Whether no text that a glance saw holds anything."""
        doubtful = glance.doubtful()
        if not doubtful:
            return doubtful is not None
        walk = self._walk(variant, None)
        return all(walk.passes(text, identifier=identifier) for text, identifier in doubtful)

    def _walk(
        self, variant: _Variant, company_id: str | None, findings: list[Finding] | None = None
    ) -> PartsWalk:
        scan = Scan(variant.rules, variant.names, self._tokens, company_id, findings)
        return PartsWalk(scan, variant.keys, self._longest)

    def _variant_of(self, sensitive_fields: Sequence[str]) -> _Variant:
        if not sensitive_fields:
            return self._variant
        fields = tuple(str.__str__(f) for f in sensitive_fields if issubclass(type(f), str))
        variant = self._variants.get(fields)
        if variant is None:
            variant = _Variant.of(self._variant.rules.extended(fields))
            if len(self._variants) >= KEPT_VARIANTS:
                self._variants.pop(next(iter(self._variants)), None)
            self._variants[fields] = variant
        return variant


_BUILT_IN = Redactor()


@lru_cache(maxsize=1024)
def holds_secret(name: str, *, identifier: bool = False) -> bool:
    """Whether the built-in rules find something to take out of a name that is shown as it is.

    Args:
        name: an event type, the name of a log.
        identifier: the name may hold any number, as in `Redactor.text`.
    """
    return _BUILT_IN.text(name, identifier=identifier) != name
