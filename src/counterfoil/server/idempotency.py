"""``Idempotency-Key``: a whole request that may be sent again, and is recorded once.

What is remembered of a key is when it came first and the hash of its body. The ids of the
events follow from both, so a repeat asks the log for the same ids and is answered the same,
also where the server died between writing and answering.
"""

from __future__ import annotations

import hmac
import re
from typing import Final
from uuid import UUID

from counterfoil.access import Principal, Services

from .batch import GiveId
from .problem import ProblemError

MAX_KEY: Final = 255
_KEY = re.compile(rf"[!-~]{{1,{MAX_KEY}}}").fullmatch


async def ids_for(
    header: str | None, body: bytes, media_type: str, who: Principal, services: Services
) -> GiveId:
    """Ids for the events of a request that has an ``Idempotency-Key``; None where it has none.

    Raises:
        ProblemError: the key is malformed, or was sent with another body before.
    """
    if header is None:
        return None
    key = header.strip()
    if _KEY(key) is None:
        raise ProblemError(
            "bad_request", f"Idempotency-Key: 1 to {MAX_KEY} visible ASCII characters, no blanks."
        )
    first = await services.repeats.first(who, key, media_type.encode() + b"\0" + body)
    if not first.same:
        raise ProblemError(
            "idempotency_mismatch", "Give each request a key of its own, and repeat it unchanged."
        )
    return lambda place: _event_id(first.at, first.name, place)


def _event_id(at: int, name: bytes, place: int) -> str:
    """A UUIDv7 (RFC 9562 section 5.7) whose random bits follow from the key and the place."""
    tail = int.from_bytes(hmac.digest(name, b"event %d" % place, "sha256")[:10])
    number = (at // 1000) << 80 | tail
    number = number & ~(0xF << 76) | 0x7 << 76
    return str(UUID(int=number & ~(0b11 << 62) | 0b10 << 62))
