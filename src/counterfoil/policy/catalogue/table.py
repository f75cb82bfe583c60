"""The rules that ship with the package: the `baseline` profile, one line a type.

The two numbers are days from the recording: how long the disclosures (identities, states,
details) are kept, then how long the event is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TypedDict

from counterfoil.base import AuditEventType as E
from counterfoil.base import AuditLogLevel

from .names import INVALID_TYPE
from .rule import FailureMode, Outcome, PersonalData, Rule

INFO = AuditLogLevel.INFO
WARNING = AuditLogLevel.WARNING
CRITICAL = AuditLogLevel.CRITICAL

NONE = PersonalData.NONE
INTERNAL = PersonalData.INTERNAL_IDS
IDENTIFIERS = PersonalData.IDENTIFIERS
SENSITIVE = PersonalData.SENSITIVE
SECRETS = PersonalData.SECRETS_LIKELY
PSEUDONYMS = PersonalData.PSEUDONYMS
CONSENT = PersonalData.CONSENT

BLOCK = FailureMode.BLOCK
SPOOL = FailureMode.SPOOL


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


#: What was typed where a login name belongs may be a password.
TYPED_LOGIN = _names(
    "attempted_login attempted_username attempted_user attempted_email attempted_name"
)

#: What a chat message says, and what it said before an edit.
MESSAGE = _names("message_body message_content message_html message_text") | frozenset(
    prefix + name
    for prefix in ("", "new_", "old_", "previous_")
    for name in _names("attachments body content html message preview snippet text")
)

#: A message that is sent out has a headline too, and the values that fill its template.
MAILING = MESSAGE | _names(
    "headline subject subject_line template_context template_data template_variables title"
)

#: To whom a message is sent.
RECIPIENT = _names(
    "bcc cc destination email email_address emails mobile mobile_number msisdn phone phone_number"
    " phone_numbers phones recipient recipient_address recipient_email recipient_number"
    " recipient_phone recipients telephone telephone_number to to_address to_email to_number"
    " to_phone"
)

#: The key itself, where an event is to tell which one; `api_key` and its like are redacted anyway.
KEY = _names(
    "full_key hashed_key key key_hash key_value keys new_key old_key plain_key plaintext"
    " plaintext_key previous_key raw_key value"
)

#: The data itself, where an event is to tell how much and by which filter.
PAYLOAD = _names("content data payload records rows")


class _Handling(TypedDict, total=False):
    outcome: Outcome
    drop: frozenset[str]
    tokenise: frozenset[str]
    anonymize: bool
    actor_details: bool


PLAIN: _Handling = {}
ACTOR: _Handling = {"actor_details": True}
FAILED: _Handling = {"outcome": "failure"}
REFUSED: _Handling = {"outcome": "failure", "drop": TYPED_LOGIN, "actor_details": True}
KEYS: _Handling = {"drop": KEY}
COUNTS: _Handling = {"drop": PAYLOAD}
MAIL: _Handling = {"drop": MAILING, "tokenise": RECIPIENT}
CHAT: _Handling = {"drop": MESSAGE, "actor_details": True}
PSEUDONYMOUS: _Handling = {"anonymize": True}

_Row = tuple[str, AuditLogLevel, int | None, int | None, PersonalData, FailureMode, _Handling]


def _rules(rows: Iterable[_Row]) -> Mapping[str, Rule]:
    rules = (
        Rule(
            event_type=str.__str__(event_type),  # the text, where the type is an enum's member
            level=level,
            disclosure_days=disclosure_days,
            event_days=event_days,
            personal_data=personal_data,
            on_failure=on_failure,
            **handling,
        )
        for (
            event_type,
            level,
            disclosure_days,
            event_days,
            personal_data,
            on_failure,
            handling,
        ) in rows
    )
    return MappingProxyType({rule.event_type: rule for rule in rules})


# fmt: off
#: The contract's types, in its order.
RULES: Mapping[str, Rule] = _rules((
    # Authentication
    (E.USER_LOGIN,                INFO,      184,  400, IDENTIFIERS, SPOOL, ACTOR),
    (E.USER_LOGOUT,               INFO,      184,  400, IDENTIFIERS, SPOOL, ACTOR),
    (E.LOGIN_FAILED,              WARNING,   184,  400, IDENTIFIERS, SPOOL, REFUSED),
    (E.PASSWORD_RESET_REQUESTED,  INFO,      400,  400, IDENTIFIERS, SPOOL, ACTOR),
    (E.PASSWORD_RESET_COMPLETED,  INFO,      400,  400, IDENTIFIERS, SPOOL, ACTOR),
    (E.MFA_ENABLED,               INFO,      400,  400, IDENTIFIERS, SPOOL, ACTOR),
    (E.MFA_DISABLED,              CRITICAL,  400,  400, IDENTIFIERS, BLOCK, ACTOR),
    (E.SESSION_EXPIRED,           INFO,      184,  400, IDENTIFIERS, SPOOL, ACTOR),
    (E.API_KEY_CREATED,           WARNING,   400,  400, INTERNAL,    BLOCK, KEYS),
    (E.API_KEY_REVOKED,           WARNING,   400,  400, INTERNAL,    BLOCK, KEYS),
    # Accounts
    (E.USER_CREATED,              INFO,      400,  400, IDENTIFIERS, SPOOL, PLAIN),
    (E.USER_UPDATED,              INFO,      400,  400, IDENTIFIERS, SPOOL, PLAIN),
    (E.USER_DELETED,              WARNING,   400,  400, IDENTIFIERS, SPOOL, PLAIN),
    (E.USER_ACTIVATED,            INFO,      400,  400, IDENTIFIERS, SPOOL, PLAIN),
    (E.USER_DEACTIVATED,          WARNING,   400,  400, IDENTIFIERS, SPOOL, PLAIN),
    (E.PASSWORD_CHANGED,          INFO,      400,  400, IDENTIFIERS, SPOOL, ACTOR),
    (E.EMAIL_CHANGED,             INFO,      400,  400, IDENTIFIERS, SPOOL, ACTOR),
    (E.USER_PROFILE_UPDATED,      INFO,      400,  400, IDENTIFIERS, SPOOL, ACTOR),
    # Permissions
    (E.PERMISSION_CHANGED,        WARNING,   400,  400, IDENTIFIERS, BLOCK, PLAIN),
    (E.ROLE_ASSIGNED,             WARNING,   400,  400, IDENTIFIERS, BLOCK, PLAIN),
    (E.ROLE_REVOKED,              WARNING,   400,  400, IDENTIFIERS, BLOCK, PLAIN),
    (E.ACCESS_DENIED,             WARNING,   184,  400, IDENTIFIERS, SPOOL, REFUSED),
    # Products
    (E.PRODUCT_CREATED,           INFO,      400,  400, INTERNAL,    SPOOL, PLAIN),
    (E.PRODUCT_UPDATED,           INFO,      400,  400, INTERNAL,    SPOOL, PLAIN),
    (E.PRODUCT_DELETED,           WARNING,   400,  400, INTERNAL,    SPOOL, PLAIN),
    (E.PRODUCT_ACTIVATED,         INFO,      400,  400, INTERNAL,    SPOOL, PLAIN),
    (E.PRODUCT_DEACTIVATED,       INFO,      400,  400, INTERNAL,    SPOOL, PLAIN),
    (E.PRICE_CHANGED,             WARNING,   400,  400, INTERNAL,    SPOOL, PLAIN),
    (E.INVENTORY_UPDATED,         INFO,      400,  400, INTERNAL,    SPOOL, PLAIN),
    # Orders and payments
    (E.ORDER_CREATED,             INFO,      400,  400, SENSITIVE,   SPOOL, ACTOR),
    (E.ORDER_UPDATED,             INFO,      400,  400, SENSITIVE,   SPOOL, ACTOR),
    (E.ORDER_CANCELED,            WARNING,   400,  400, SENSITIVE,   SPOOL, ACTOR),
    (E.ORDER_SHIPPED,             INFO,      400,  400, SENSITIVE,   SPOOL, ACTOR),
    (E.PAYMENT_RECEIVED,          INFO,      400,  400, SENSITIVE,   SPOOL, ACTOR),
    (E.PAYMENT_REFUNDED,          WARNING,   400,  400, SENSITIVE,   SPOOL, ACTOR),
    # Data and reports
    (E.DATA_EXPORTED,             WARNING,   400,  400, IDENTIFIERS, BLOCK, COUNTS),
    (E.DATA_IMPORTED,             WARNING,   400,  400, IDENTIFIERS, BLOCK, COUNTS),
    (E.DATA_DELETED,              WARNING,   400,  400, IDENTIFIERS, BLOCK, COUNTS),
    (E.REPORT_GENERATED,          INFO,      184,  400, INTERNAL,    SPOOL, PLAIN),
    # Settings and features
    (E.SETTINGS_CHANGED,          INFO,      400,  400, INTERNAL,    SPOOL, PLAIN),
    (E.CONFIGURATION_CHANGED,     INFO,      400,  400, INTERNAL,    SPOOL, PLAIN),
    (E.FEATURE_ENABLED,           INFO,      400,  400, INTERNAL,    SPOOL, PLAIN),
    (E.FEATURE_DISABLED,          INFO,      400,  400, INTERNAL,    SPOOL, PLAIN),
    # Files: their names are personal
    (E.FILE_UPLOADED,             INFO,      184,  400, IDENTIFIERS, SPOOL, ACTOR),
    (E.FILE_DOWNLOADED,           INFO,      184,  400, IDENTIFIERS, SPOOL, ACTOR),
    (E.FILE_DELETED,              WARNING,   184,  400, IDENTIFIERS, SPOOL, ACTOR),
    # Messages and chat
    (E.EMAIL_SENT,                INFO,       30,  184, IDENTIFIERS, SPOOL, MAIL),
    (E.SMS_SENT,                  INFO,       30,  184, IDENTIFIERS, SPOOL, MAIL),
    (E.NOTIFICATION_SENT,         INFO,       30,  184, IDENTIFIERS, SPOOL, MAIL),
    (E.CHAT_ROOM_CREATED,         INFO,       30,  184, IDENTIFIERS, SPOOL, CHAT),
    (E.CHAT_MESSAGE_SENT,         INFO,       30,  184, IDENTIFIERS, SPOOL, CHAT),
    (E.CHAT_MESSAGE_EDITED,       INFO,       30,  184, IDENTIFIERS, SPOOL, CHAT),
    (E.CHAT_MESSAGE_DELETED,      INFO,       30,  184, IDENTIFIERS, SPOOL, CHAT),
    (E.CHAT_MEMBER_ADDED,         INFO,       30,  184, IDENTIFIERS, SPOOL, CHAT),
    (E.CHAT_MEMBER_REMOVED,       INFO,       30,  184, IDENTIFIERS, SPOOL, CHAT),
    # Integrations
    (E.EXTERNAL_API_CALLED,       INFO,       30,  184, SECRETS,     SPOOL, PLAIN),
    (E.WEBHOOK_RECEIVED,          INFO,       30,  184, SECRETS,     SPOOL, PLAIN),
    (E.WEBHOOK_PROCESSED,         INFO,       30,  184, SECRETS,     SPOOL, PLAIN),
    # Operations; a restore can rewind the log itself
    (E.SYSTEM_STARTED,            WARNING,   400,  400, NONE,        SPOOL, PLAIN),
    (E.SYSTEM_STOPPED,            WARNING,   400,  400, NONE,        SPOOL, PLAIN),
    (E.BACKUP_CREATED,            INFO,      400,  400, NONE,        SPOOL, PLAIN),
    (E.BACKUP_RESTORED,           CRITICAL,  400,  400, NONE,        BLOCK, PLAIN),
    (E.MAINTENANCE_MODE_ENABLED,  WARNING,   400,  400, NONE,        SPOOL, PLAIN),
    (E.MAINTENANCE_MODE_DISABLED, WARNING,   400,  400, NONE,        SPOOL, PLAIN),
    # Privacy and consent: what proves that a duty was met outlives the rest
    (E.GDPR_DATA_EXPORT,          WARNING,  1096, 1096, PSEUDONYMS,  BLOCK, PSEUDONYMOUS),
    (E.GDPR_DATA_DELETED,         WARNING,  1096, 1096, PSEUDONYMS,  BLOCK, PSEUDONYMOUS),
    (E.TERMS_ACCEPTED,            INFO,     1096, 1096, CONSENT,     SPOOL, PLAIN),
    (E.PRIVACY_POLICY_ACCEPTED,   INFO,     1096, 1096, CONSENT,     SPOOL, PLAIN),
))

#: The log's own events. What they prove must outlive what it is about, so they never expire,
#: and no setting changes them. A gap is counted where even the spool failed: it never spools.
LOG_RULES: Mapping[str, Rule] = _rules((
    ("audit.read",           INFO,     None, None, IDENTIFIERS, SPOOL, PLAIN),
    ("audit.export",         WARNING,  None, None, IDENTIFIERS, BLOCK, PLAIN),
    ("audit.verify",         INFO,     None, None, INTERNAL,    SPOOL, PLAIN),
    ("audit.purge",          INFO,     None, None, NONE,        BLOCK, PLAIN),
    ("audit.decay",          INFO,     None, None, NONE,        BLOCK, PLAIN),
    ("audit.erase",          WARNING,  None, None, PSEUDONYMS,  BLOCK, PLAIN),
    ("audit.conflict",       CRITICAL, None, None, INTERNAL,    SPOOL, FAILED),
    ("audit.hold_placed",    WARNING,  None, None, PSEUDONYMS,  BLOCK, PLAIN),
    ("audit.hold_released",  WARNING,  None, None, PSEUDONYMS,  BLOCK, PLAIN),
    ("audit.config",         WARNING,  None, None, INTERNAL,    BLOCK, PLAIN),
    ("audit.key",            CRITICAL, None, None, INTERNAL,    BLOCK, PLAIN),
    ("audit.gap",            CRITICAL, None, None, NONE,        BLOCK, FAILED),
    ("audit.restored",       CRITICAL, None, None, NONE,        BLOCK, PLAIN),
))
# fmt: on

#: For a type that nobody registered. Nothing is known of its details, so they are taken to be
#: personal: an erasure that leaves something behind is worse than one that takes too much.
DEFAULT_RULE = Rule(
    event_type=INVALID_TYPE,
    level=INFO,
    disclosure_days=400,
    event_days=400,
    personal_data=IDENTIFIERS,
    on_failure=SPOOL,
    actor_details=True,
)
