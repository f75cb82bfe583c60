"""Secrets in URLs that no parameter's name gives away: user information, and tokens in paths.

Query and fragment parameters are assignments (`assignments`).
"""

from __future__ import annotations

import re

from .marker import is_mark
from .scan import Scan
from .vocabulary import ROUTE_WORDS

_AUTHORITY = re.compile(r"//([^\s/?#\"'<>\\]+)")
_TO_AT = re.compile(r"[^\s\"'<>@]{0,256}@")
_PORT = re.compile(r"[0-9]{0,5}")
_NOT_SECRET = frozenset(["git", "hg", "anonymous"])

_GO_DSN = re.compile(
    r"(?<![^\s\"'=(\[{,])[^\s:/@\"'=]{1,128}:[^\s@\"']{1,256}(?=@(?:tcp|tcp6|unix)\()"
)
_ORACLE = re.compile(r"(?i)(?<=:thin:)[^\s/@\"']{1,128}/[^\s@\"']{1,256}(?=@)")

_PATH = re.compile(
    r"(?i)/(?:[a-z]{1,16}[-_])?(?:reset|invite|invitation|verify|verification|magic|activate"
    r"|activation|confirm|confirmation|unlock|recover|recovery|passwordreset|resetpassword)"
    r"(?:[-_][a-z]{1,16})?s?/([^\s?#\"'<>\\]+)"
)
_HOOKS = re.compile(
    r"((?:hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)"
    r"|discord(?:app)?\.com/api/(?:v[0-9]{1,2}/)?webhooks/[0-9]{1,32}"
    r"|[a-z0-9.-]{1,64}\.webhook\.office\.com/webhookb2)/)([A-Za-z0-9/@_-]{8,})"
    r"|(api\.telegram\.org/(?:file/)?bot)([0-9]{6,12}:[A-Za-z0-9_-]{20,})"
)


def user_information(text: str, scan: Scan) -> str:
    """The part before the `@` of a URL's authority (RFC 3986 section 3.2.1), in any scheme."""
    pieces: list[str] = []
    at = 0
    for match in _AUTHORITY.finditer(text):
        if match.start() < at:
            continue
        end = _user_ends(text, match)
        if end is None:
            continue
        user = text[match.start(1) : end]
        if user in _NOT_SECRET or is_mark(user, scan.rules.kinds):
            continue
        pieces += (text[at : match.start(1)], scan.dropped("value:userinfo", "userinfo"))
        at = end
    text = "".join((*pieces, text[at:])) if pieces else text
    if "@" in text:
        for pattern in (_GO_DSN, _ORACLE):
            text = pattern.sub(lambda _: scan.dropped("value:userinfo", "userinfo"), text)
    return text


def _user_ends(text: str, authority: re.Match[str]) -> int | None:
    """Where the `@` is that ends the user information."""
    last = authority[1].rfind("@")
    if last >= 0:
        return authority.start(1) + last
    _, colon, port = authority[1].rpartition(":")
    if colon and "]" not in port and _PORT.fullmatch(port) is None:
        # No host has such a port: a password with a slash or a hash in it.
        found = _TO_AT.match(text, authority.end())
        return found.end() - 1 if found else None
    return None


def path_tokens(text: str, scan: Scan) -> str:
    """What follows `/reset/`, `/invite/`, `/verify/`, `/magic/` and their like in a path."""

    def replace(match: re.Match[str]) -> str:
        kept = [
            part
            if not part or part.lower() in ROUTE_WORDS or is_mark(part, scan.rules.kinds)
            else scan.dropped("value:path_token", "token")
            for part in match[1].split("/")
        ]
        return text[match.start() : match.start(1)] + "/".join(kept)

    return _PATH.sub(replace, text)


def webhooks(text: str, scan: Scan) -> str:
    """Webhook addresses of chat services, whose path is their password."""

    def replace(match: re.Match[str]) -> str:
        return (match[1] or match[3]) + scan.dropped("value:webhook", "token")

    return _HOOKS.sub(replace, text)
