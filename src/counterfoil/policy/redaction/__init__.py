"""Redaction: what never reaches storage in clear.

Where to find what:

- `redactor`: the door; `glance`: the first look, which spares most events the walk; `parts` and
  `walk`: the one walk over an event's values, `plain`: what becomes of Python's types, `keys` and
  `paths`: what is known of a key and of where it stands.
- `names` and `vocabulary`: which names give a value away.
- `text`: one text through every pattern, and `suspicion`, the cheap test before; the patterns:
  `credentials`, `payment`, `urls`, `assignments`, `encodings`.
- `treatment`, `marker`, `scan`, `tokens`: what is left in a value's place.
- `rules`: what the application adds.
- `anonymiser` (`personal`, `user_agent`): what `anonymize_data` adds; `bodies`: request bodies;
  `truncation`: the limit on size, which comes last.
"""

from .anonymiser import Anonymiser
from .bodies import LONGEST_BODY
from .plain import JSON
from .redactor import LONGEST_TEXT, Redactor, holds_secret
from .rules import Rule, Rules
from .tokens import HeldTokens, Tokeniser, Tokens, noting_older
from .treatment import Finding, Treatment
from .truncation import LIMIT, cap

__all__ = [
    "JSON",
    "LIMIT",
    "LONGEST_BODY",
    "LONGEST_TEXT",
    "Anonymiser",
    "Finding",
    "HeldTokens",
    "Redactor",
    "Rule",
    "Rules",
    "Tokeniser",
    "Tokens",
    "Treatment",
    "cap",
    "holds_secret",
    "noting_older",
]
