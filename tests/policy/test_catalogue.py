"""The catalogue, held against a table that is written out by hand."""

from __future__ import annotations

import enum
import logging
import re
from dataclasses import FrozenInstanceError, fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.base import AuditEventType, AuditLogLevel
from counterfoil.errors import ConfigurationError
from counterfoil.policy.catalogue import (
    INVALID_TYPE,
    LOG_RULES,
    MAX_DAYS,
    PROFILES,
    RULES,
    Catalogue,
    FailureMode,
    PersonalData,
    Rule,
    is_valid_type,
    normalise_type,
)
from tools.catalogue_page import page

# types | level | days of the disclosures, of the event | personal data | on failure
FACTS = """
USER_LOGIN USER_LOGOUT SESSION_EXPIRED | info | 184 400 | identifiers | spool
LOGIN_FAILED ACCESS_DENIED | warning | 184 400 | identifiers | spool
PASSWORD_RESET_REQUESTED PASSWORD_RESET_COMPLETED PASSWORD_CHANGED EMAIL_CHANGED MFA_ENABLED | info | 400 400 | identifiers | spool
MFA_DISABLED | critical | 400 400 | identifiers | block
API_KEY_CREATED API_KEY_REVOKED | warning | 400 400 | internal ids | block
USER_CREATED USER_UPDATED USER_ACTIVATED USER_PROFILE_UPDATED | info | 400 400 | identifiers | spool
USER_DELETED USER_DEACTIVATED | warning | 400 400 | identifiers | spool
PERMISSION_CHANGED ROLE_ASSIGNED ROLE_REVOKED | warning | 400 400 | identifiers | block
PRODUCT_CREATED PRODUCT_UPDATED PRODUCT_ACTIVATED PRODUCT_DEACTIVATED INVENTORY_UPDATED | info | 400 400 | internal ids | spool
PRODUCT_DELETED PRICE_CHANGED | warning | 400 400 | internal ids | spool
ORDER_CREATED ORDER_UPDATED ORDER_SHIPPED PAYMENT_RECEIVED | info | 400 400 | sensitive | spool
ORDER_CANCELED PAYMENT_REFUNDED | warning | 400 400 | sensitive | spool
DATA_EXPORTED DATA_IMPORTED DATA_DELETED | warning | 400 400 | identifiers | block
REPORT_GENERATED | info | 184 400 | internal ids | spool
SETTINGS_CHANGED CONFIGURATION_CHANGED FEATURE_ENABLED FEATURE_DISABLED | info | 400 400 | internal ids | spool
FILE_UPLOADED FILE_DOWNLOADED | info | 184 400 | identifiers | spool
FILE_DELETED | warning | 184 400 | identifiers | spool
EMAIL_SENT SMS_SENT NOTIFICATION_SENT | info | 30 184 | identifiers | spool
CHAT_ROOM_CREATED CHAT_MESSAGE_SENT CHAT_MESSAGE_EDITED CHAT_MESSAGE_DELETED CHAT_MEMBER_ADDED CHAT_MEMBER_REMOVED | info | 30 184 | identifiers | spool
EXTERNAL_API_CALLED WEBHOOK_RECEIVED WEBHOOK_PROCESSED | info | 30 184 | secrets likely | spool
SYSTEM_STARTED SYSTEM_STOPPED MAINTENANCE_MODE_ENABLED MAINTENANCE_MODE_DISABLED | warning | 400 400 | none | spool
BACKUP_CREATED | info | 400 400 | none | spool
BACKUP_RESTORED | critical | 400 400 | none | block
GDPR_DATA_EXPORT GDPR_DATA_DELETED | warning | 1096 1096 | pseudonyms | block
TERMS_ACCEPTED PRIVACY_POLICY_ACCEPTED | info | 1096 1096 | proof of consent | spool
"""  # noqa: E501

FAILURES = {"login_failed", "access_denied"}
MAILINGS = {"email_sent", "sms_sent", "notification_sent"}
CHATS = {
    "chat_room_created",
    "chat_message_sent",
    "chat_message_edited",
    "chat_message_deleted",
    "chat_member_added",
    "chat_member_removed",
}
KEYS = {"api_key_created", "api_key_revoked"}
DATA = {"data_exported", "data_imported", "data_deleted"}
GDPR = {"gdpr_data_export", "gdpr_data_deleted"}
BY_AND_ABOUT_THE_ACTOR = {
    *("user_login", "user_logout", "session_expired", "login_failed", "access_denied"),
    *("password_reset_requested", "password_reset_completed", "password_changed"),
    *("email_changed", "mfa_enabled", "mfa_disabled", "user_profile_updated"),
    *("order_created", "order_updated", "order_canceled", "order_shipped"),
    *("payment_received", "payment_refunded"),
    *("file_uploaded", "file_downloaded", "file_deleted"),
    *CHATS,
}

LOG_FACTS = {
    "audit.read": ("info", "spool"),
    "audit.export": ("warning", "block"),
    "audit.verify": ("info", "spool"),
    "audit.purge": ("info", "block"),
    "audit.decay": ("info", "block"),
    "audit.erase": ("warning", "block"),
    "audit.conflict": ("critical", "spool"),
    "audit.hold_placed": ("warning", "block"),
    "audit.hold_released": ("warning", "block"),
    "audit.config": ("warning", "block"),
    "audit.key": ("critical", "block"),
    "audit.gap": ("critical", "block"),
    "audit.restored": ("critical", "block"),
}


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue.under("baseline")


def names(flag: str) -> set[str]:
    return {name for name, rule in RULES.items() if getattr(rule, flag)}


# The table


def test_every_line_of_the_table() -> None:
    wanted = {}
    for line in FACTS.strip().splitlines():
        types, level, days, personal_data, on_failure = line.split(" | ")
        for name in types.split():
            value = AuditEventType[name].value
            assert value not in wanted
            wanted[value] = (level, *map(int, days.split()), personal_data, on_failure)
    assert wanted == {
        name: (
            rule.level.value,
            rule.disclosure_days,
            rule.event_days,
            rule.personal_data.value,
            rule.on_failure.value,
        )
        for name, rule in RULES.items()
    }


def test_every_type_of_the_contract_has_a_rule_in_its_order() -> None:
    assert list(RULES) == [member.value for member in AuditEventType]
    assert all(name == rule.event_type for name, rule in RULES.items())
    assert {type(rule.event_type) for rule in RULES.values()} == {str}


def test_what_the_rules_do_besides() -> None:
    assert {name for name, rule in RULES.items() if rule.outcome == "failure"} == FAILURES
    assert {rule.outcome for rule in RULES.values()} == {"success", "failure"}
    assert names("drop") == FAILURES | MAILINGS | CHATS | KEYS | DATA
    assert names("tokenise") == MAILINGS
    assert names("anonymize") == GDPR
    assert names("actor_details") == BY_AND_ABOUT_THE_ACTOR


def test_what_is_dropped_and_what_becomes_a_token() -> None:
    assert all("attempted_login" in RULES[name].drop for name in FAILURES)
    for name in MAILINGS | CHATS:
        assert RULES[name].drop >= {"content", "body", "text", "html", "message", "old_content"}
    for name in MAILINGS:
        assert RULES[name].drop >= {"subject", "title"}
        assert RULES[name].tokenise >= {"recipient", "to", "cc", "bcc", "email", "phone"}
        assert not RULES[name].drop & RULES[name].tokenise


def test_the_logs_own_events_never_expire_and_stand_apart(catalogue: Catalogue) -> None:
    assert {
        name: (rule.level.value, rule.on_failure.value) for name, rule in LOG_RULES.items()
    } == LOG_FACTS
    for name, rule in LOG_RULES.items():
        assert rule.event_type == name
        assert (rule.disclosure_days, rule.event_days) == (None, None)
        assert catalogue.log_rule(name) is rule
        assert name not in catalogue.rules


# Looking up


@pytest.mark.parametrize("member", AuditEventType)
def test_a_member_and_its_text_have_one_rule(
    catalogue: Catalogue, member: AuditEventType, caplog: pytest.LogCaptureFixture
) -> None:
    assert catalogue.rule(member) is catalogue.rule(member.value)
    assert catalogue.rule(member).event_type == member.value
    assert not caplog.records


def test_an_application_s_own_enums_work(catalogue: Catalogue) -> None:
    class Texts(str, enum.Enum):  # noqa: UP042 - the spelling that applications use
        PAID = "loan.paid"

    class Plain(enum.Enum):
        PAID = "loan.paid"
        NUMBER = 3

    for given_type in (Texts.PAID, Plain.PAID, "loan.paid"):
        recorded = catalogue.rule(given_type).event_type
        assert recorded == "loan.paid"
        assert type(recorded) is str
    assert catalogue.rule(Plain.NUMBER).event_type == INVALID_TYPE


def test_an_unregistered_type_has_the_default_rule_and_is_noticed_once(
    catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    rule = catalogue.rule("loan.approved")
    assert rule == Rule(
        event_type="loan.approved",
        level=AuditLogLevel.INFO,
        disclosure_days=400,
        event_days=400,
        personal_data=PersonalData.IDENTIFIERS,
        on_failure=FailureMode.SPOOL,
        actor_details=True,
    )
    assert catalogue.rule("loan.approved") is rule
    catalogue.rule("loan.declined")
    assert [record.getMessage().count("loan.") for record in caplog.records] == [1, 1]
    assert {record.levelno for record in caplog.records} == {logging.WARNING}


@pytest.mark.parametrize(
    ("given_type", "recorded"),
    [
        ("audit.read", "app.audit.read"),
        ("audit.", "app.audit."),
        ("app.audit.read", "app.audit.read"),
        ("audit", "audit"),
        ("auditor.hired", "auditor.hired"),
        ("a" * 64, "a" * 64),
        ("a" * 65, INVALID_TYPE),
        ("audit." + "x" * 54, "app.audit." + "x" * 54),
        ("audit." + "x" * 55, INVALID_TYPE),
        ("", INVALID_TYPE),
        ("Loan", INVALID_TYPE),
        ("loan-approved", INVALID_TYPE),
        ("loan approved", INVALID_TYPE),
        ("loan\n", INVALID_TYPE),
        ("9lives", INVALID_TYPE),
        ("crédit", INVALID_TYPE),
        ("loan٣", INVALID_TYPE),
        ("user\ud800", INVALID_TYPE),
        ("AUDIT.read", INVALID_TYPE),
    ],
)
def test_what_becomes_of_a_name(given_type: str, recorded: str, catalogue: Catalogue) -> None:
    assert normalise_type(given_type) == recorded
    assert catalogue.rule(given_type).event_type == recorded


@pytest.mark.parametrize("given_type", [None, 7, b"user_login", ["user_login"], {}, object()])
def test_what_is_no_text_is_recorded_all_the_same(catalogue: Catalogue, given_type: object) -> None:
    assert catalogue.rule(given_type).event_type == INVALID_TYPE


@given(st.text() | st.from_regex(r"(audit\.)?[a-z][a-z0-9_.]{0,70}", fullmatch=True))
def test_any_text_becomes_a_valid_name_outside_the_log_s_own(text: str) -> None:
    recorded = normalise_type(text)
    assert re.fullmatch(r"[a-z][a-z0-9_.]{0,63}", recorded)
    assert not recorded.startswith("audit.")
    assert normalise_type(recorded) == recorded
    if is_valid_type(text) and not text.startswith("audit."):
        assert recorded == text


def test_a_malformed_name_is_never_repeated(
    catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    catalogue.rule("login of someone@example.com")
    catalogue.rule("login of another@example.com")
    assert len(caplog.records) == 1
    assert "example.com" not in caplog.text


def test_names_made_from_data_fill_neither_memory_nor_the_program_s_log(
    catalogue: Catalogue, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(3000):
        name = f"order.{number}"
        assert catalogue.rule(name).event_type == name
    assert len(caplog.records) == 1025
    assert "left out" in caplog.records[-1].getMessage()
    kept = [getattr(catalogue, field.name) for field in fields(catalogue) if not field.init]
    assert all(0 < len(memory) <= 1024 for memory in kept)


# Periods


@pytest.mark.parametrize("explicit", [1, 30, 90, MAX_DAYS])
def test_an_explicit_period_counts_for_both_stages(catalogue: Catalogue, explicit: int) -> None:
    rule = catalogue.rule("user_login")
    assert catalogue.days(rule) == (184, 400)
    assert catalogue.days(rule, explicit) == (explicit, explicit)


@pytest.mark.parametrize("explicit", [0, -1, MAX_DAYS + 1, 2**80, "90", 1.5, True])
def test_a_senseless_period_leaves_the_rule_s_and_is_noticed_once(
    catalogue: Catalogue, explicit: object, caplog: pytest.LogCaptureFixture
) -> None:
    rule = catalogue.rule("user_login")
    assert catalogue.days(rule, explicit) == (184, 400)
    assert catalogue.days(rule, explicit) == (184, 400)
    assert [record.args for record in caplog.records] == [("user_login", MAX_DAYS)]


@pytest.mark.parametrize(
    ("profile", "user_login", "email_sent", "terms_accepted", "unregistered"),
    [
        ("seed", (90, 90), (90, 90), (90, 90), (90, 90)),
        ("baseline", (184, 400), (30, 184), (1096, 1096), (400, 400)),
        ("pci", (366, 400), (366, 366), (1096, 1096), (400, 400)),
        ("hipaa", (2192, 2192), (2192, 2192), (2192, 2192), (2192, 2192)),
        ("finance", (2192, 2192), (2192, 2192), (2192, 2192), (2192, 2192)),
        ("sec", (2192, 2192), (2192, 2192), (2192, 2192), (2192, 2192)),
    ],
)
def test_profiles(
    profile: str,
    user_login: tuple[int, int],
    email_sent: tuple[int, int],
    terms_accepted: tuple[int, int],
    unregistered: tuple[int, int],
) -> None:
    catalogue = Catalogue.under(profile)
    assert catalogue.days(catalogue.rule("user_login")) == user_login
    assert catalogue.days(catalogue.rule("email_sent")) == email_sent
    assert catalogue.days(catalogue.rule("terms_accepted")) == terms_accepted
    assert catalogue.days(catalogue.rule("of.our.own")) == unregistered
    assert list(catalogue.rules) == list(RULES)


def test_there_are_these_profiles() -> None:
    assert list(PROFILES) == ["seed", "baseline", "pci", "hipaa", "finance", "sec"]
    with pytest.raises(ConfigurationError, match="seed, baseline, pci, hipaa, finance, sec"):
        Catalogue.under("sox")


def test_a_profile_changes_periods_and_nothing_else() -> None:
    for profile in PROFILES:
        for name, rule in Catalogue.under(profile).rules.items():
            shipped = RULES[name]
            assert shipped == replace(
                rule, disclosure_days=shipped.disclosure_days, event_days=shipped.event_days
            )


def test_a_period_below_the_profile_s_floor_is_honoured_and_noticed_once_a_type(
    caplog: pytest.LogCaptureFixture,
) -> None:
    catalogue = Catalogue.under("pci")
    login, logout = catalogue.rule("user_login"), catalogue.rule("user_logout")
    assert catalogue.days(login, 366) == (366, 366)
    assert not caplog.records
    assert catalogue.days(login, 365) == (365, 365)
    assert catalogue.days(login, 30) == (30, 30)
    assert catalogue.days(logout, 30) == (30, 30)
    assert [record.args for record in caplog.records] == [
        ("user_login", 366, "pci"),
        ("user_logout", 366, "pci"),
    ]


# Rules of an application's own


def test_overrides_change_only_what_they_name(catalogue: Catalogue) -> None:
    changed = catalogue.override({"price_changed": {"level": "critical", "days": [184, 400]}})
    assert changed.rule("price_changed") == replace(
        RULES["price_changed"], level=AuditLogLevel.CRITICAL, disclosure_days=184
    )
    assert catalogue.rule("price_changed") == RULES["price_changed"]
    assert {name for name in RULES if changed.rules[name] != RULES[name]} == {"price_changed"}


def test_every_key_of_an_override() -> None:
    catalogue = Catalogue.under(
        "hipaa",
        {
            "loan.approved": {
                "level": "error",
                "days": [2192, "never"],
                "personal_data": "sensitive",
                "on_failure": "block",
                "outcome": "unknown",
                "drop": ["memo"],
                "tokenise": ["guarantor"],
                "anonymize": True,
                "actor_details": False,
            }
        },
    )
    assert catalogue.rule("loan.approved") == Rule(
        event_type="loan.approved",
        level=AuditLogLevel.ERROR,
        disclosure_days=2192,
        event_days=None,
        personal_data=PersonalData.SENSITIVE,
        on_failure=FailureMode.BLOCK,
        outcome="unknown",
        drop=frozenset({"memo"}),
        tokenise=frozenset({"guarantor"}),
        anonymize=True,
    )


@pytest.mark.parametrize(
    ("days", "kept"), [(500, (500, 500)), ("never", (None, None)), ((30, "never"), (30, None))]
)
def test_ways_to_write_a_period(catalogue: Catalogue, days: object, kept: object) -> None:
    changed = catalogue.override({"user_login": {"days": days}})
    assert changed.days(changed.rule("user_login")) == kept


def test_names_are_added_to_a_rule_s_and_never_taken_away(catalogue: Catalogue) -> None:
    changed = catalogue.override({"email_sent": {"drop": ["memo"], "tokenise": []}})
    assert changed.rule("email_sent").drop == RULES["email_sent"].drop | {"memo"}
    assert changed.rule("email_sent").tokenise == RULES["email_sent"].tokenise


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        ({"Loan": {}}, "name is malformed"),
        ({"": {}}, "name is malformed"),
        ({7: {}}, "name is malformed"),
        ({"audit.read": {"level": "info"}}, "belongs to the log itself"),
        ({"loan": "critical"}, "loan are not a table"),
        ({"loan": {"severity": "info"}}, "unknown key. Known keys: level, days,"),
        ({"loan": {"level": "fatal"}}, "Give one of info, warning, error, critical"),
        ({"loan": {"level": None}}, "'level' of the event type loan"),
        ({"loan": {"level": ["info"]}}, "'level' of the event type loan"),
        ({"loan": {"on_failure": "drop"}}, "Give one of block, spool"),
        ({"loan": {"personal_data": "much"}}, "Give one of none, internal ids"),
        ({"loan": {"outcome": "perhaps"}}, "Give one of success, failure, unknown"),
        ({"loan": {"outcome": ["success"]}}, "Give one of success, failure, unknown"),
        ({"loan": {"days": "400"}}, "whole days or 'never'"),
        ({"loan": {"days": [400]}}, "whole days or 'never'"),
        ({"loan": {"days": [1, 2, 3]}}, "whole days or 'never'"),
        ({"loan": {"days": True}}, "whole days or 'never'"),
        ({"loan": {"days": 1.5}}, "whole days or 'never'"),
        ({"loan": {"days": 0}}, "period out of range. Give whole days from 1 to"),
        ({"loan": {"days": MAX_DAYS + 1}}, "period out of range"),
        ({"loan": {"days": [400, 30]}}, "would outlive the event"),
        ({"loan": {"drop": "memo"}}, "a list of names"),
        ({"loan": {"tokenise": [7]}}, "a list of names"),
        ({"loan": {"anonymize": "yes"}}, "true or false"),
        ({"loan": {"actor_details": 1}}, "true or false"),
    ],
)
def test_mistakes_in_the_settings(overrides: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        Catalogue.under("baseline", overrides)
    assert says in str(refused.value)


def test_an_override_below_the_floor_is_honoured_and_noticed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    catalogue = Catalogue.under("pci", {"user_login": {"days": 30}, "user_logout": {"days": 400}})
    assert catalogue.days(catalogue.rule("user_login")) == (30, 30)
    assert [record.args for record in caplog.records] == [("user_login", 366, "pci")]


def test_registering_returns_another_catalogue(catalogue: Catalogue) -> None:
    rule = replace(RULES["price_changed"], event_type="loan.approved")
    extended = catalogue.register(rule)
    assert extended.rule("loan.approved") is rule
    assert "loan.approved" not in catalogue.rules
    with pytest.raises(ConfigurationError):
        catalogue.register(replace(rule, event_type="audit.forged"))


def test_a_reserved_name_can_be_registered_as_it_is_recorded(
    caplog: pytest.LogCaptureFixture,
) -> None:
    catalogue = Catalogue.under("baseline", {"app.audit.done": {"level": "error"}})
    assert catalogue.rule("audit.done") is catalogue.rules["app.audit.done"]
    assert "app.audit.done" in caplog.text


def test_nothing_can_be_changed_in_place(catalogue: Catalogue) -> None:
    with pytest.raises(TypeError):
        catalogue.rules["loan"] = RULES["user_login"]  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        catalogue.rule("user_login").level = AuditLogLevel.INFO  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        catalogue.default = RULES["user_login"]  # type: ignore[misc]


# The reference page


def test_the_reference_page_is_what_the_table_says() -> None:
    written = Path(__file__).parents[2] / "docs" / "reference" / "catalogue.md"
    assert written.read_text(encoding="utf-8") == page(), "run `make docs` and commit the page"
