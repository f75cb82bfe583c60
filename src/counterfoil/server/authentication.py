"""Authentication: from a request to the log as its sender may use it.

Every route of the API names what it needs with :class:`Needs`; a test refuses routes that do
not. Which part of the log a key reaches is decided in ``counterfoil.access`` alone.
"""

from __future__ import annotations

from fastapi import Request
from fastapi.openapi.models import HTTPBearer as HTTPBearerModel
from fastapi.security.base import SecurityBase

from counterfoil.access import Permission, ScopedLog, Services
from counterfoil.errors import AuthenticationError

from .rates import Rates


class Needs(SecurityBase):
    """A dependency that gives the log as whoever sent the request may use it.

    Args:
        permission: what their role must grant; None takes any valid key.
    """

    def __init__(self, permission: Permission | None = None) -> None:
        self.permission = permission
        self.model = HTTPBearerModel(
            bearerFormat="cf_...", description="An access key: `counterfoil key create`."
        )
        self.scheme_name = "access key"

    async def __call__(self, request: Request) -> ScopedLog:
        return await authenticate(request, self.permission)


async def authenticate(request: Request, permission: Permission | None) -> ScopedLog:
    """The log as the sender of a request may use it.

    Raises:
        AuthenticationError: there is no valid key. ForbiddenError: its role does not grant it.
        ThrottledError, ProblemError: there were too many requests.
    """
    services = services_of(request)
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text:
        raise AuthenticationError
    address = request.state.client_address()
    principal = await services.keyring.authenticate(text.strip(" "), address=address)
    request.state.principal = principal
    rates: Rates = request.app.state.rates
    request.state.headers = rates.count(principal, permission)
    if permission is not None:
        principal.demand(permission)
    return services.scoped(principal)


def services_of(request: Request) -> Services:
    """The services of the application that a request came to."""
    services: Services = request.app.state.services
    return services
