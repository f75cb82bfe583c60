"""The viewer: pages for people, rendered on the server.

``router`` is mounted by the composition root; it finds its ``counterfoil.access.Services`` in
``request.app.state.services``.
"""

from .router import router

__all__ = ["router"]
