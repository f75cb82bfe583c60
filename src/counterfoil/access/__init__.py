"""Access: keys, roles and tenants, in one place for every face of the log."""

from .key import AccessKey
from .keyring import Keyring
from .principal import Principal
from .role import Permission, Role
from .scoped_log import ScopedLog
from .services import Services
from .sessions import Session, Sessions, is_csrf
from .viewer_tokens import Minted, ViewerTokens
from .viewing import Viewing

__all__ = [
    "AccessKey",
    "Keyring",
    "Minted",
    "Permission",
    "Principal",
    "Role",
    "ScopedLog",
    "Services",
    "Session",
    "Sessions",
    "ViewerTokens",
    "Viewing",
    "is_csrf",
]
