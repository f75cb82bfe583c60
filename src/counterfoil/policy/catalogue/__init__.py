"""The event catalogue: how each type is recorded where the call does not say."""

from .lookup import Catalogue, type_text
from .names import INVALID_TYPE, is_own_type, is_valid_type, normalise_type
from .profile import PROFILES, Profile
from .rule import MAX_DAYS, FailureMode, Outcome, PersonalData, Rule
from .table import DEFAULT_RULE, LOG_RULES, RULES

__all__ = [
    "DEFAULT_RULE",
    "INVALID_TYPE",
    "LOG_RULES",
    "MAX_DAYS",
    "PROFILES",
    "RULES",
    "Catalogue",
    "FailureMode",
    "Outcome",
    "PersonalData",
    "Profile",
    "Rule",
    "is_own_type",
    "is_valid_type",
    "normalise_type",
    "type_text",
]
