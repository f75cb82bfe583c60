"""Arrival: drafts that others have kept, checked before they become entries.

A draft of the spool was written by this library into a file of its own. One of an outbox comes
out of a table that anybody with the application's rights can write to: it may say what a call
of ``log_event`` can say, and no more.
"""

from __future__ import annotations

import re

from counterfoil.errors import InputError
from counterfoil.policy.catalogue.names import is_own_type, is_valid_type
from counterfoil.policy.context import company_text
from counterfoil.record.entry import UntimedEntry
from counterfoil.record.spooled import decode

from .intake import check_log_name

_RESOURCE_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,64}").fullmatch


def arrived(data: bytes) -> UntimedEntry:
    """The entry of a draft that was kept elsewhere.

    Raises:
        SpoolCorruptError: the bytes are no draft of this version's form.
        InputError: it says what no call could have said, or cannot become an entry.
    """
    draft = decode(data)
    if draft.audit is not None or is_own_type(draft.event_type):
        raise InputError("A draft poses as one of the log's own events.")
    if not is_valid_type(draft.event_type):
        raise InputError("A draft's event type is malformed.")
    if draft.log:
        # Without one it is for its company's own log, which the writer knows.
        check_log_name(draft.log)
    company, kind = draft.company_id, draft.resource_type
    if company is not None and company_text(company) != company:
        raise InputError("A draft's company_id is malformed.")
    if kind is not None and _RESOURCE_TYPE(kind) is None:
        raise InputError("A draft's resource_type is malformed.")
    return UntimedEntry(draft)
