"""A small shop's year: who works there, who buys, and what happens on each day."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

from counterfoil.base import AuditEventType as E

from .visit import Call, Visit

OWNER, ADMIN, CATALOGUE, WAREHOUSE, SUPPORT = "u-1", "u-2", "u-3", "u-4", "u-5"
SERVICE, MAILER, PAYMENTS = "svc-shop", "svc-mail", "svc-payments"
DAYS = 365

_PRODUCTS = (
    ("Kettle", "32.00"),
    ("Teapot", "24.50"),
    ("Mug, blue", "9.90"),
    ("Mug, green", "9.90"),
    ("Tea towel", "7.50"),
    ("Bread board", "18.00"),
    ("Butter dish", "21.00"),
    ("Egg timer", "12.50"),
    ("Honey spoon", "4.90"),
    ("Jam jar", "3.20"),
    ("Milk jug", "14.00"),
    ("Toast rack", "16.50"),
)
_STAFF = (
    ("u-2", "admin"),
    ("u-3", "catalogue"),
    ("u-4", "warehouse"),
    ("u-5", "support"),
    ("u-6", "catalogue"),
)
_CARRIERS = ("Blue Parcel", "Green Post")
#: Orders a week, by month: a shop that grows, and sells gifts in December.
_SEASON = (3, 3, 4, 4, 4, 3, 3, 4, 5, 6, 8, 11)


class Shop:
    """Makes up the calls of a year. The same seed and start give the same calls.

    Args:
        start: the first day, an aware time.
        seed: chooses the year.
    """

    def __init__(self, start: datetime, seed: int = 1) -> None:
        self._start = start
        self._random = Random(seed)  # noqa: S311 - a story, not a secret
        self._calls: list[Call] = []
        self._prices = {f"p-{n}": Decimal(price) for n, (_, price) in enumerate(_PRODUCTS, 1)}
        self._stock = dict.fromkeys(self._prices, 60)
        self._customers: list[str] = []
        self._orders = 1000

    def year(self) -> list[Call]:
        """All calls of the year, in the order of time."""
        for day in range(DAYS):
            self._day(day, self._start + timedelta(days=day))
        return sorted(self._calls, key=lambda call: call.moment)

    def visit(self, user_id: str, day: datetime, hour: float) -> Visit:
        """Somebody comes, at an hour of a day, more or less."""
        shift = timedelta(hours=hour, seconds=self._random.uniform(0, 3000))
        return Visit(self._calls, self._random, user_id, day + shift)

    def chance(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self._random.random() < probability

    def _day(self, number: int, day: datetime) -> None:
        from .occasions import on_day

        if number == 0:
            self._opening(day)
        on_day(self, number, day)
        if number % 7 == 0:
            self._week(number, day)
        if self.chance(_SEASON[number * 12 // DAYS] / 7):
            self._purchase(day)
        if self._customers and self.chance(0.15):
            self._wrong_password(day)

    def _opening(self, day: datetime) -> None:
        service = self.visit(SERVICE, day, 6)
        service.do(E.SYSTEM_STARTED, details={"version": "3.2.0"})
        owner = self.visit(OWNER, day, 7)
        owner.do(E.USER_LOGIN, details={"method": "password"})
        for person, role in _STAFF:
            owner.do(E.USER_CREATED, f"user/{person}", after={"role": role})
            owner.do(E.ROLE_ASSIGNED, f"user/{person}", details={"role": role}, subjects=[person])
        keeper = self.visit(CATALOGUE, day, 9)
        keeper.do(E.USER_LOGIN, details={"method": "password"})
        for number, (name, price) in enumerate(_PRODUCTS, 1):
            after = {"name": name, "price": price, "stock": 60}
            keeper.do(E.PRODUCT_CREATED, f"product/p-{number}", after=after)
            keeper.do(E.PRODUCT_ACTIVATED, f"product/p-{number}")
        keeper.do(E.USER_LOGOUT)

    def _week(self, number: int, day: datetime) -> None:
        keeper = self.visit(CATALOGUE, day, 9)
        keeper.do(E.USER_LOGIN, details={"method": "password"})
        product = self._random.choice(list(self._prices))
        old = self._prices[product]
        new = (old * self._random.choice((95, 104, 105, 110)) / 100).quantize(Decimal("0.1"))
        self._prices[product] = new
        keeper.do(
            E.PRICE_CHANGED,
            f"product/{product}",
            before={"price": f"{old:.2f}"},
            after={"price": f"{new:.2f}"},
            details={"reason": "supplier" if new > old else "campaign"},
        )
        if number % 21 == 0:
            keeper.do(
                E.PRODUCT_UPDATED,
                f"product/{product}",
                before={"shelf": "A1"},
                after={"shelf": f"B{1 + number % 9}"},
            )
        for low in (name for name, stock in self._stock.items() if stock < 40):
            before = {"stock": self._stock[low]}
            self._stock[low] = 60
            keeper.do(E.INVENTORY_UPDATED, f"product/{low}", before=before, after={"stock": 60})
        keeper.do(E.USER_LOGOUT)
        nightly = self.visit(SERVICE, day, 2)
        size = 40_000_000 + number * 90_000
        nightly.do(E.BACKUP_CREATED, f"backup/b-{number // 7 + 1}", details={"bytes": size})
        nightly.do(E.REPORT_GENERATED, f"report/r-{number // 7 + 1}", details={"title": "Sales"})

    def _customer(self, day: datetime) -> Visit:
        if self._customers and self.chance(0.7):
            visit = self.visit(
                self._random.choice(self._customers), day, 10 + 9 * self._random.random()
            )
            visit.do(E.USER_LOGIN, details={"method": "password"})
            return visit
        customer = f"u-{10 + len(self._customers)}"
        self._customers.append(customer)
        visit = self.visit(customer, day, 10 + 9 * self._random.random())
        email = f"customer{customer[2:]}@example.com"
        visit.do(E.USER_CREATED, f"user/{customer}", after={"email": email})
        visit.do(E.TERMS_ACCEPTED, details={"version": "2026-01"})
        visit.do(E.PRIVACY_POLICY_ACCEPTED, details={"version": "2026-01"})
        visit.do(E.USER_ACTIVATED, f"user/{customer}")
        self._mail(visit, f"user/{customer}", "welcome", email)
        return visit

    def _mail(self, visit: Visit, about: str, template: str, recipient: str) -> None:
        mailer = Visit(self._calls, self._random, MAILER, visit.moment)
        mailer.do(E.EMAIL_SENT, about, details={"template": template, "to": recipient})

    def _purchase(self, day: datetime) -> None:
        visit = self._customer(day)
        self._orders += 1
        order = f"order/o-{self._orders}"
        product = self._random.choice(list(self._prices))
        amount = self._random.randint(1, 4)
        total = f"{self._prices[product] * amount:.2f}"
        visit.do(
            E.ORDER_CREATED,
            order,
            after={"lines": [{"product": product, "amount": amount}], "status": "new"},
            details={"total": total, "currency": "EUR"},
        )
        payments = Visit(self._calls, self._random, PAYMENTS, visit.moment)
        payments.do(E.EXTERNAL_API_CALLED, order, details={"service": "cards", "status": 201})
        payments.do(E.WEBHOOK_RECEIVED, order, details={"source": "cards"})
        payments.do(E.WEBHOOK_PROCESSED, order, details={"source": "cards"})
        visit.do(E.PAYMENT_RECEIVED, order, details={"amount": f"{total} EUR", "method": "card"})
        self._mail(visit, order, "confirmation", f"customer{visit.user_id[2:]}@example.com")
        before = self._stock[product]
        self._stock[product] = before - amount
        stock = Visit(self._calls, self._random, SERVICE, visit.moment)
        stock.do(
            E.INVENTORY_UPDATED,
            f"product/{product}",
            before={"stock": before},
            after={"stock": before - amount},
        )
        visit.do(E.USER_LOGOUT if self.chance(0.6) else E.SESSION_EXPIRED)
        self._delivery(order, total, visit.user_id, day)

    def _delivery(self, order: str, total: str, customer: str, day: datetime) -> None:
        hands = self.visit(WAREHOUSE, day + timedelta(days=1), 8)
        if self.chance(0.06):
            support = self.visit(SUPPORT, day, 20)
            status = {"before": {"status": "new"}, "after": {"status": "canceled"}}
            support.do(E.ORDER_CANCELED, order, details={"reason": "by the customer"}, **status)
            support.do(E.PAYMENT_REFUNDED, order, details={"amount": f"{total} EUR"})
            return
        hands.do(E.ORDER_UPDATED, order, before={"status": "new"}, after={"status": "packed"})
        hands.do(E.ORDER_SHIPPED, order, details={"carrier": self._random.choice(_CARRIERS)})
        sender = Visit(self._calls, self._random, MAILER, hands.moment)
        kind = E.SMS_SENT if self.chance(0.3) else E.NOTIFICATION_SENT
        sender.do(kind, order, details={"template": "shipped", "to": customer})

    def _wrong_password(self, day: datetime) -> None:
        visit = self.visit(
            self._random.choice(self._customers), day, 9 + 11 * self._random.random()
        )
        for _ in range(self._random.randint(1, 3)):
            visit.do(E.LOGIN_FAILED, details={"reason": "wrong password"})
        if self.chance(0.5):
            visit.do(E.PASSWORD_RESET_REQUESTED)
            visit.do(E.PASSWORD_RESET_COMPLETED)
            visit.do(E.PASSWORD_CHANGED)
        visit.do(E.USER_LOGIN, details={"method": "password"})
        visit.do(E.USER_LOGOUT)
