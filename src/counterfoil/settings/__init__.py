"""Settings: what the command line and the server are told by the environment and by files."""

from .server import ServerSettings
from .settings import LimitSettings, Settings, load_settings, mask_url, shown

__all__ = [
    "LimitSettings",
    "ServerSettings",
    "Settings",
    "load_settings",
    "mask_url",
    "shown",
]
