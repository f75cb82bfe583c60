"""How long the event and its disclosures are kept."""

from __future__ import annotations

from counterfoil.record import Draft

from .catalogue import Catalogue
from .link import Link


def retention(catalogue: Catalogue) -> Link:
    """A link that sets both periods: the caller's own, else the type's.

    Only a ``retention_period`` that the caller set counts as its own, not the model's default.
    An event with an ``audit`` member is kept for ever.
    """

    def settle_retention(draft: Draft) -> Draft:
        rule = draft.rule
        options = draft.options
        if draft.audit is not None:
            draft.decays_days = draft.expires_days = None
        elif options is None or "retention_period" not in options.model_fields_set:
            draft.decays_days = rule.disclosure_days
            draft.expires_days = rule.event_days
        else:
            draft.decays_days, draft.expires_days = catalogue.days(rule, options.retention_period)
        return draft

    return settle_retention
