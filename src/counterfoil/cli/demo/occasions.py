"""Occasions: what happens in the shop on some days only, so that every event type occurs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from counterfoil.base import AuditEventType as E

if TYPE_CHECKING:
    from .shop import Shop

Story = Callable[["Shop", datetime], None]
ADMIN, CATALOGUE, SUPPORT, SERVICE = "u-2", "u-3", "u-5", "svc-shop"


def on_day(shop: Shop, number: int, day: datetime) -> None:
    """Tell the stories that a day has, by its number in the year."""
    for first, period, story in _CALENDAR:
        if number >= first and (number - first) % period == 0:
            story(shop, day)


def _security(shop: Shop, day: datetime) -> None:
    admin = shop.visit(ADMIN, day, 8)
    admin.do(E.USER_LOGIN, details={"method": "passkey"})
    admin.do(E.MFA_ENABLED, f"user/{ADMIN}", details={"method": "passkey"})
    admin.do(E.API_KEY_CREATED, "api_key/k-7", details={"scope": "orders:read"})
    admin.do(
        E.PERMISSION_CHANGED,
        f"user/{SUPPORT}",
        before={"refund_limit": 50},
        after={"refund_limit": 200},
        subjects=[SUPPORT],
    )
    admin.do(E.USER_LOGOUT)


def _dismissal(shop: Shop, day: datetime) -> None:
    admin = shop.visit(ADMIN, day, 17)
    admin.do(E.ROLE_REVOKED, "user/u-6", details={"role": "catalogue"}, subjects=["u-6"])
    admin.do(E.USER_DEACTIVATED, "user/u-6", details={"reason": "left the shop"})
    admin.do(E.API_KEY_REVOKED, "api_key/k-7", details={"reason": "rotation"})
    former = shop.visit("u-6", day, 22)
    former.do(E.ACCESS_DENIED, "report/r-12", details={"reason": "no such role"})
    admin.do(E.USER_DELETED, "user/u-6", details={"reason": "left the shop"})


def _night_at_the_desk(shop: Shop, day: datetime) -> None:
    stranger = shop.visit(ADMIN, day, 3)
    stranger.do(E.USER_LOGIN, details={"method": "recovery code"})
    stranger.do(E.MFA_DISABLED, f"user/{ADMIN}", details={"method": "passkey"})
    stranger.do(E.DATA_EXPORTED, "table/customers", details={"rows": 61, "format": "csv"})


def _operations(shop: Shop, day: datetime) -> None:
    service = shop.visit(SERVICE, day, 4)
    service.do(E.MAINTENANCE_MODE_ENABLED, "system/shop", details={"reason": "upgrade"})
    service.do(E.SYSTEM_STOPPED, details={"reason": "upgrade"})
    service.do(E.SYSTEM_STARTED, details={"version": "3.3.0"})
    service.do(E.MAINTENANCE_MODE_DISABLED, "system/shop")


def _restore(shop: Shop, day: datetime) -> None:
    admin = shop.visit(ADMIN, day, 5)
    admin.do(E.BACKUP_RESTORED, "backup/b-30", details={"reason": "a full disk"})
    admin.do(E.CONFIGURATION_CHANGED, "system/shop", before={"disk_gb": 40}, after={"disk_gb": 120})


def _settings(shop: Shop, day: datetime) -> None:
    owner = shop.visit("u-1", day, 11)
    owner.do(
        E.SETTINGS_CHANGED,
        "shop/main",
        before={"free_shipping_from": "50.00"},
        after={"free_shipping_from": "40.00"},
    )
    owner.do(E.FEATURE_ENABLED, "feature/gift-wrapping")
    owner.do(E.FEATURE_DISABLED, "feature/old-checkout")


def _catalogue(shop: Shop, day: datetime) -> None:
    keeper = shop.visit(CATALOGUE, day, 14)
    keeper.do(E.DATA_IMPORTED, "table/products", details={"rows": 12, "format": "xlsx"})
    keeper.do(E.FILE_UPLOADED, "file/f-31", details={"name": "spring.jpg", "bytes": 184_211})
    keeper.do(E.FILE_DOWNLOADED, "file/f-30", details={"name": "winter.jpg", "bytes": 90_112})
    keeper.do(E.FILE_DELETED, "file/f-30", details={"name": "winter.jpg"})
    keeper.do(E.PRODUCT_DEACTIVATED, "product/p-99", details={"reason": "sold out"})
    keeper.do(E.PRODUCT_DELETED, "product/p-99", details={"reason": "discontinued"})


def _question(shop: Shop, day: datetime) -> None:
    customer = shop.visit("u-11", day, 15)
    customer.do(E.CHAT_ROOM_CREATED, "chat_room/c-1")
    customer.do(E.CHAT_MESSAGE_SENT, "chat_room/c-1")
    support = shop.visit(SUPPORT, day, 16)
    support.do(E.CHAT_MEMBER_ADDED, "chat_room/c-1", details={"member": SUPPORT})
    support.do(E.CHAT_MESSAGE_SENT, "chat_room/c-1")
    support.do(E.CHAT_MESSAGE_EDITED, "chat_message/m-2")
    customer.do(E.CHAT_MESSAGE_DELETED, "chat_message/m-1")
    support.do(E.CHAT_MEMBER_REMOVED, "chat_room/c-1", details={"member": "u-11"})


def _account(shop: Shop, day: datetime) -> None:
    customer = shop.visit("u-11", day, 19)
    customer.do(E.USER_LOGIN, details={"method": "password"})
    customer.do(
        E.EMAIL_CHANGED,
        "user/u-11",
        before={"email": "customer11@example.com"},
        after={"email": "eleven@example.com"},
    )
    customer.do(
        E.USER_PROFILE_UPDATED, "user/u-11", before={"language": "en"}, after={"language": "fr"}
    )
    support = shop.visit(SUPPORT, day, 20)
    support.do(
        E.USER_UPDATED,
        "user/u-11",
        before={"newsletter": True},
        after={"newsletter": False},
        on_behalf_of="u-11",
    )


def _privacy(shop: Shop, day: datetime) -> None:
    admin = shop.visit(ADMIN, day, 13)
    admin.do(E.GDPR_DATA_EXPORT, "user/u-12", subjects=["u-12"])
    admin.do(E.GDPR_DATA_DELETED, "user/u-12", subjects=["u-12"])
    admin.do(E.DATA_DELETED, "table/carts", details={"rows": 214})


#: First day, days between two tellings, story.
_CALENDAR: tuple[tuple[int, int, Story], ...] = (
    (2, 400, _security),
    (20, 90, _catalogue),
    (45, 60, _question),
    (60, 120, _account),
    (75, 91, _operations),
    (100, 400, _dismissal),
    (150, 180, _settings),
    (210, 400, _restore),
    (280, 400, _privacy),
    (331, 400, _night_at_the_desk),
)
