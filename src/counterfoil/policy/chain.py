"""The chain: what happens to a draft between the call and the bytes, in order.

Each link takes a draft and returns it, changed in place. An application may put links of its
own between ours; they see values before redaction if they stand before it.
"""

from __future__ import annotations

from counterfoil.record import Draft

from .anonymise import anonymisation
from .body import attach_body
from .catalogue import Catalogue
from .content import content
from .context import fill_context, settle_ids
from .level import settle_level
from .link import Chain
from .options import settle_options
from .redact import redaction
from .redaction import LIMIT, LONGEST_TEXT, Anonymiser, Redactor, Rules, Tokens
from .retention import retention
from .states import compare_states


def run(chain: Chain, draft: Draft) -> Draft:
    """Send a draft through the chain."""
    for link in chain:
        draft = link(draft)
    return draft


def default_chain(
    catalogue: Catalogue,
    *,
    rules: Rules | None = None,
    tokens: Tokens | None = None,
    limit: int = LIMIT,
) -> Chain:
    """The shipped chain.

    Args:
        catalogue: the rules by event type.
        rules: the application's redaction rules, added to the built-in ones.
        tokens: makes tokens; without it what is due one is dropped.
        limit: bytes of JSON that each part of an event may have in the end (``truncate``): no
            longer text is looked at, but for the usual limit.
    """
    anonymiser = Anonymiser(tokens)
    return (
        settle_options,
        fill_context,
        compare_states,
        attach_body,
        redaction(Redactor(rules, tokens, longest=max(limit, LONGEST_TEXT)), tokens),
        content(anonymiser),
        anonymisation(anonymiser),
        settle_ids,
        settle_level,
        retention(catalogue),
    )
