"""The contract, held against a table of facts that is written out by hand.

Nothing here is derived from the package: a member that is renamed, moved, added, dropped
or given another type, default or docstring fails, in whichever direction it differs.
"""

from __future__ import annotations

import enum
import inspect
import typing
from typing import Any, Dict, List, Optional, Protocol, TypeVar

import pydantic
import pytest

from counterfoil import base

EVENT_TYPES = [
    ("USER_LOGIN", "user_login"),
    ("USER_LOGOUT", "user_logout"),
    ("LOGIN_FAILED", "login_failed"),
    ("PASSWORD_RESET_REQUESTED", "password_reset_requested"),
    ("PASSWORD_RESET_COMPLETED", "password_reset_completed"),
    ("MFA_ENABLED", "mfa_enabled"),
    ("MFA_DISABLED", "mfa_disabled"),
    ("SESSION_EXPIRED", "session_expired"),
    ("API_KEY_CREATED", "api_key_created"),
    ("API_KEY_REVOKED", "api_key_revoked"),
    ("USER_CREATED", "user_created"),
    ("USER_UPDATED", "user_updated"),
    ("USER_DELETED", "user_deleted"),
    ("USER_ACTIVATED", "user_activated"),
    ("USER_DEACTIVATED", "user_deactivated"),
    ("PASSWORD_CHANGED", "password_changed"),
    ("EMAIL_CHANGED", "email_changed"),
    ("USER_PROFILE_UPDATED", "user_profile_updated"),
    ("PERMISSION_CHANGED", "permission_changed"),
    ("ROLE_ASSIGNED", "role_assigned"),
    ("ROLE_REVOKED", "role_revoked"),
    ("ACCESS_DENIED", "access_denied"),
    ("PRODUCT_CREATED", "product_created"),
    ("PRODUCT_UPDATED", "product_updated"),
    ("PRODUCT_DELETED", "product_deleted"),
    ("PRODUCT_ACTIVATED", "product_activated"),
    ("PRODUCT_DEACTIVATED", "product_deactivated"),
    ("PRICE_CHANGED", "price_changed"),
    ("INVENTORY_UPDATED", "inventory_updated"),
    ("ORDER_CREATED", "order_created"),
    ("ORDER_UPDATED", "order_updated"),
    ("ORDER_CANCELED", "order_canceled"),
    ("ORDER_SHIPPED", "order_shipped"),
    ("PAYMENT_RECEIVED", "payment_received"),
    ("PAYMENT_REFUNDED", "payment_refunded"),
    ("DATA_EXPORTED", "data_exported"),
    ("DATA_IMPORTED", "data_imported"),
    ("DATA_DELETED", "data_deleted"),
    ("REPORT_GENERATED", "report_generated"),
    ("SETTINGS_CHANGED", "settings_changed"),
    ("CONFIGURATION_CHANGED", "configuration_changed"),
    ("FEATURE_ENABLED", "feature_enabled"),
    ("FEATURE_DISABLED", "feature_disabled"),
    ("FILE_UPLOADED", "file_uploaded"),
    ("FILE_DOWNLOADED", "file_downloaded"),
    ("FILE_DELETED", "file_deleted"),
    ("EMAIL_SENT", "email_sent"),
    ("SMS_SENT", "sms_sent"),
    ("NOTIFICATION_SENT", "notification_sent"),
    ("CHAT_ROOM_CREATED", "chat_room_created"),
    ("CHAT_MESSAGE_SENT", "chat_message_sent"),
    ("CHAT_MESSAGE_EDITED", "chat_message_edited"),
    ("CHAT_MESSAGE_DELETED", "chat_message_deleted"),
    ("CHAT_MEMBER_ADDED", "chat_member_added"),
    ("CHAT_MEMBER_REMOVED", "chat_member_removed"),
    ("EXTERNAL_API_CALLED", "external_api_called"),
    ("WEBHOOK_RECEIVED", "webhook_received"),
    ("WEBHOOK_PROCESSED", "webhook_processed"),
    ("SYSTEM_STARTED", "system_started"),
    ("SYSTEM_STOPPED", "system_stopped"),
    ("BACKUP_CREATED", "backup_created"),
    ("BACKUP_RESTORED", "backup_restored"),
    ("MAINTENANCE_MODE_ENABLED", "maintenance_mode_enabled"),
    ("MAINTENANCE_MODE_DISABLED", "maintenance_mode_disabled"),
    ("GDPR_DATA_EXPORT", "gdpr_data_export"),
    ("GDPR_DATA_DELETED", "gdpr_data_deleted"),
    ("TERMS_ACCEPTED", "terms_accepted"),
    ("PRIVACY_POLICY_ACCEPTED", "privacy_policy_accepted"),
]

LEVELS = [
    ("INFO", "info"),
    ("WARNING", "warning"),
    ("ERROR", "error"),
    ("CRITICAL", "critical"),
]

CONTEXT_FIELDS = [
    ("user_id", Optional[str], None),
    ("ip_address", Optional[str], None),
    ("user_agent", Optional[str], None),
    ("session_id", Optional[str], None),
    ("request_id", Optional[str], None),
    ("company_id", Optional[str], None),
    ("resource_id", Optional[str], None),
    ("resource_type", Optional[str], None),
    ("before_state", Optional[Dict[str, Any]], None),
    ("after_state", Optional[Dict[str, Any]], None),
    ("changes", Optional[Dict[str, Any]], None),
    ("metadata", Optional[Dict[str, Any]], None),
]

OPTION_FIELDS = [
    ("include_request_body", bool, False),
    ("sensitive_fields", List[str], []),
    ("anonymize_data", bool, False),
    ("capture_before_after", bool, False),
    ("retention_period", int, 90),
]

REQUIRED = inspect.Parameter.empty
LOG_EVENT_PARAMETERS = [
    ("self", None, REQUIRED),
    ("event_type", base.AuditEventType, REQUIRED),
    ("user_id", Optional[str], None),
    ("ip_address", Optional[str], None),
    ("resource_id", Optional[str], None),
    ("resource_type", Optional[str], None),
    ("details", Optional[Dict[str, Any]], None),
    ("context", Optional[base.AuditContext], None),
    ("level", Optional[base.AuditLogLevel], None),
    ("options", Optional[base.AuditOptions], None),
]

LOG_EVENT_DOCSTRING = """\
Log an audit event.

Args:
    event_type: Type of the audit event
    user_id: ID of the user who performed the action
    ip_address: IP address of the user
    resource_id: ID of the resource affected
    resource_type: Type of the resource affected
    details: Additional details about the event
    context: Additional context information
    level: Severity level of the event
    options: Audit logging options

Returns:
    str: The ID of the created audit event"""

DOCSTRINGS = [
    (base.AuditEventType, "Enum for different types of audit events."),
    (base.AuditLogLevel, "Enum for audit log severity levels."),
    (base.AuditContext, "Context information for an audit event."),
    (base.AuditOptions, "Options for audit logging."),
    (base.AuditLogger, "Protocol for audit loggers."),
    (base.AuditLogger.log_event, LOG_EVENT_DOCSTRING),
]


def test_the_table_has_the_contract_s_size() -> None:
    assert len(EVENT_TYPES) == 68
    assert len(LEVELS) == 4
    assert len(CONTEXT_FIELDS) == 12
    assert len(OPTION_FIELDS) == 5


def test_the_module_defines_these_names_and_no_others() -> None:
    defined = {
        name
        for name, value in vars(base).items()
        if not name.startswith("_") and getattr(value, "__module__", None) == base.__name__
    }
    assert defined == {
        "AuditEventType",
        "AuditLogLevel",
        "AuditContext",
        "AuditOptions",
        "AuditLogger",
        "T",
    }


@pytest.mark.parametrize(
    ("cls", "facts"),
    [(base.AuditEventType, EVENT_TYPES), (base.AuditLogLevel, LEVELS)],
)
def test_enum_members(cls: type[enum.Enum], facts: list[tuple[str, str]]) -> None:
    # __members__ rather than iteration: an alias would hide from the latter.
    assert [(name, member.value) for name, member in cls.__members__.items()] == facts
    assert cls.__bases__ == (str, enum.Enum)
    for name, value in facts:
        assert cls(value) is cls[name]
        by_text: dict[object, str] = {value: name}
        assert by_text[cls[name]] == name, "a member equals and hashes as its value"


@pytest.mark.parametrize(
    ("cls", "facts"),
    [(base.AuditContext, CONTEXT_FIELDS), (base.AuditOptions, OPTION_FIELDS)],
)
def test_model_fields(cls: type[pydantic.BaseModel], facts: list[tuple[str, Any, Any]]) -> None:
    assert cls.__bases__ == (pydantic.BaseModel,)
    assert list(cls.__annotations__) == [name for name, _, _ in facts]
    hints = typing.get_type_hints(cls)
    assert [
        (name, hints[name], field.get_default(call_default_factory=True))
        for name, field in cls.model_fields.items()
    ] == facts
    instance = cls()
    for name, _, default in facts:
        assert getattr(instance, name) == default
        assert type(getattr(instance, name)) is type(default)


def test_a_default_list_is_not_shared() -> None:
    first, second = base.AuditOptions(), base.AuditOptions()
    first.sensitive_fields.append("salary")
    assert second.sensitive_fields == []
    assert base.AuditOptions().sensitive_fields == []


@pytest.mark.parametrize(
    ("cls", "given"),
    [
        (base.AuditContext, {"user_id": {"password": "hunter2"}}),
        (base.AuditContext, {"before_state": "hunter2"}),
        (base.AuditOptions, {"retention_period": "hunter2"}),
        (base.AuditOptions, {"sensitive_fields": "hunter2"}),
    ],
)
def test_validation_errors_do_not_echo_the_input(
    cls: type[pydantic.BaseModel], given: dict[str, Any]
) -> None:
    with pytest.raises(pydantic.ValidationError) as refused:
        cls(**given)
    assert "hunter2" not in str(refused.value)
    assert "hunter2" not in repr(refused.value)


def test_log_event_signature() -> None:
    method = base.AuditLogger.log_event
    assert inspect.iscoroutinefunction(method)
    assert Protocol in base.AuditLogger.__bases__
    signature = inspect.signature(method)
    hints = typing.get_type_hints(method)
    assert [
        (name, hints.get(name), parameter.default)
        for name, parameter in signature.parameters.items()
    ] == LOG_EVENT_PARAMETERS
    assert {parameter.kind for parameter in signature.parameters.values()} == {
        inspect.Parameter.POSITIONAL_OR_KEYWORD
    }
    assert hints["return"] is str


def test_the_protocol_has_one_method() -> None:
    public = [name for name in vars(base.AuditLogger) if not name.startswith("_")]
    assert public == ["log_event"]


@pytest.mark.parametrize(("documented", "text"), DOCSTRINGS)
def test_docstrings(documented: object, text: str) -> None:
    assert inspect.getdoc(documented) == text


def test_t_is_a_plain_type_variable() -> None:
    assert isinstance(base.T, TypeVar)
    assert base.T.__name__ == "T"
    assert base.T.__bound__ is None
    assert base.T.__constraints__ == ()
