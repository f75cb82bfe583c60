"""``anonymize_data`` as a link of the chain."""

from __future__ import annotations

from counterfoil.record import Draft

from .context import as_text
from .link import Link
from .redact import PARTS, company_of
from .redaction import Anonymiser


def anonymisation(anonymiser: Anonymiser) -> Link:
    """A link that makes pseudonyms of persons, where the caller or the type's rule asks for it.

    A caller's own False wins over the rule; the model's default says nothing.
    """

    def anonymise(draft: Draft) -> Draft:
        if not _is_asked_for(draft):
            return draft
        parts = {name: value for name in PARTS if (value := getattr(draft, name)) is not None}
        company = company_of(draft)
        for name, value in anonymiser.parts(parts, company).items():
            setattr(draft, name, value)
        if isinstance(draft.subjects, list):
            draft.subjects = [
                anonymiser.token("user_id", as_text(person), company) for person in draft.subjects
            ]
        return draft

    return anonymise


def _is_asked_for(draft: Draft) -> bool:
    options = draft.options
    if options is not None and "anonymize_data" in options.model_fields_set:
        return bool(options.anonymize_data)
    return bool(draft.rule.anonymize)
