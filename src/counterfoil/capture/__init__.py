"""Ways to record without saying so at every call: context, middleware, decorator, hooks.

One file an integration; each imports its framework alone, and none is imported here.
"""

from .context import audit_context, bind_context, carry, current_context
from .decorator import audited

__all__ = ["audit_context", "audited", "bind_context", "carry", "current_context"]
