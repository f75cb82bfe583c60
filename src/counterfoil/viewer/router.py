"""The router: every page, for the composition root to mount."""

from __future__ import annotations

from fastapi import APIRouter

from . import embed
from .pages import event, events, history, integrity, keys, sign_in
from .static_files import PREFIX, serve

router = APIRouter(include_in_schema=False)
router.add_route(f"{PREFIX}/{{version}}/{{name:path}}", serve, include_in_schema=False)
router.include_router(embed.router)
for page in (sign_in, events, event, history, integrity, keys):
    # Side by side, so that the application knows each by its path.
    router.routes.extend(page.router.routes)
