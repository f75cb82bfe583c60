"""Request ids: the caller's where it is fit for use, else one of our own."""

from __future__ import annotations

import re
from collections.abc import Sequence

from counterfoil.clock import SYSTEM_CLOCK, Clock

MAX_LENGTH = 128
#: What no log, header or shell gives a meaning to, and trace ids are made of.
_VALID = re.compile(rf"[A-Za-z0-9._:=+/@~-]{{1,{MAX_LENGTH}}}").fullmatch


def request_id(sent: Sequence[str], clock: Clock = SYSTEM_CLOCK) -> str:
    """The id of a request.

    Args:
        sent: the values of the header's lines. One value of 1 to 128 letters, digits and
            ``. _ : = + / @ ~ -`` is kept as it is.
        clock: makes a UUIDv7 where nothing valid was sent.
    """
    if len(sent) == 1 and _VALID(sent[0]) is not None:
        return sent[0]
    return clock.event_id()
