"""What changed: computed from the states before and after, where the caller does not say."""

from __future__ import annotations

from counterfoil.record import Draft

from .diff import changes


def compare_states(draft: Draft) -> Draft:
    """Fill ``changes`` from the two states; changes that the caller gives stay as given.

    It stands before redaction, so that a field which is redacted in both states still shows
    that it differed.
    """
    if draft.changes is None and draft.before_state is not None and draft.after_state is not None:
        draft.changes = changes(draft.before_state, draft.after_state) or None
    return draft
