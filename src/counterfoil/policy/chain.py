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
from .redact import redaction
from .redaction import Redactor, Tokeniser
from .retention import retention
from .states import compare_states


def run(chain: Chain, draft: Draft) -> Draft:
    """Send a draft through the chain."""
    for link in chain:
        draft = link(draft)
    return draft


def default_chain(
    catalogue: Catalogue, redactor: Redactor | None = None, tokens: Tokeniser | None = None
) -> Chain:
    """The shipped chain.

    Args:
        catalogue: the rules by event type.
        redactor: what is taken out; by default the built-in rules.
        tokens: makes tokens; without it what is due one is dropped.
    """
    return (
        fill_context,
        compare_states,
        redaction(redactor or Redactor(tokens=tokens), tokens),
        settle_ids,
        settle_level,
        retention(catalogue),
    )
