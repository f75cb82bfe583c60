"""The viewer: pages for people, rendered on the server.

``router`` is mounted by the composition root, and ``no_such_page`` answers where no route is; they
find their ``counterfoil.access.Services`` in ``request.app.state.services``.
"""

from .route import no_such_page
from .router import router

__all__ = ["no_such_page", "router"]
