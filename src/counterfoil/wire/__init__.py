"""The wire: HTTP to a Counterfoil server. Requests and answers, and what they say of failures.

The only place of the library that knows the HTTP client. What is sent here was redacted before.
"""

from .address import ServerAddress, is_server
from .connection import Answer, Connection
from .problem import TooLargeError
from .token import AccessToken

__all__ = ["AccessToken", "Answer", "Connection", "ServerAddress", "TooLargeError", "is_server"]
