"""The chain: what happens to a draft between the call and the bytes, in order.

Each link takes a draft and returns it, changed in place. An application may put links of its
own between ours; they see values before redaction if they stand before it.
"""

from __future__ import annotations

from counterfoil.record import Draft

from .catalogue import Catalogue
from .context import fill_context, settle_ids
from .level import settle_level
from .link import Chain
from .retention import retention


def run(chain: Chain, draft: Draft) -> Draft:
    """Send a draft through the chain."""
    for link in chain:
        draft = link(draft)
    return draft


def default_chain(catalogue: Catalogue) -> Chain:
    """The shipped chain."""
    return (fill_context, settle_ids, settle_level, retention(catalogue))
