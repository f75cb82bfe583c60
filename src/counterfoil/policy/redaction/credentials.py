"""Credentials that are known by their own form, wherever they stand in a text."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

import orjson

from .scan import Scan
from .vocabulary import BEARER_WORDS

_BEGIN = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)?-{0,5}")
_END = re.compile(r"-{4,5} ?END [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)?-{0,5}")

_JWT = re.compile(r"(eyJ[A-Za-z0-9_-]*+)(?:\.[A-Za-z0-9_-]*+){2,4}")
_URL_BASE64 = re.compile(r"[A-Za-z0-9_-]*+")

# Each prefix with the rest of its key. A key of another form than these is caught by its name.
_KEYS = re.compile(
    r"(?:cf_[a-z0-9]{12}_[A-Za-z0-9]{30,}"  # our own server's
    r"|A(?:KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"  # AWS
    r"|gh[opsur]_[A-Za-z0-9]{20,255}|github_pat_[A-Za-z0-9_]{20,255}"
    r"|gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_.-]{16,}"  # GitLab
    r"|x(?:ox[abceoprsd]-|app-[0-9]-|oxe\.xox[bp]-)[A-Za-z0-9-]{8,}"  # Slack
    r"|xai-[A-Za-z0-9]{40,}|xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"
    r"|[srp]k_(?:live|test|prod)_[A-Za-z0-9]{10,}|whsec_[A-Za-z0-9+/=]{16,}"  # Stripe
    r"|AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,}"  # Google
    r"|SG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"  # SendGrid
    r"|sk-(?:ant|proj|svcacct|admin|or|lf)-[A-Za-z0-9_-]{16,}|sk-[A-Za-z0-9]{32,}"
    r"|hf_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{30,}"
    r"|npm_[A-Za-z0-9]{36}|pypi-AgE[A-Za-z0-9_-]{40,}|rubygems_[a-f0-9]{48}"
    r"|do[opr]_v1_[a-f0-9]{64}|shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"
    r"|sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}|EAACEdEose0cBA[A-Za-z0-9]+"
    r"|dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}|hv[bs]\.[A-Za-z0-9_-]{20,}"
    r"|lin_(?:api|oauth)_[A-Za-z0-9]{32,}|ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43}"
    r"|PMAK-[a-f0-9]{24}-[a-f0-9]{34}|figd_[A-Za-z0-9_-]{32,}|sbp_[a-f0-9]{40}"
    r"|sntry[su]_[A-Za-z0-9_+/=-]{32,}|gl(?:sa|c)_[A-Za-z0-9_+/=-]{24,}"
    r"|dapi[a-f0-9]{32}|dp\.(?:pt|st|ct|sa)\.[A-Za-z0-9.]{32,}|pul-[a-f0-9]{40}"
    r"|AGE-SECRET-KEY-1[A-Z0-9]{20,}|ATATT3[A-Za-z0-9_=-]{40,}|LTAI[A-Za-z0-9]{16,24}"
    r"|tskey-[a-z]+-[A-Za-z0-9-]{16,}|fo1_[A-Za-z0-9_-]{40,}|SK[0-9a-f]{32}(?![0-9a-f])"
    r"|key-[0-9a-f]{32}(?![0-9a-f])|EZ[AT]K[A-Za-z0-9]{54}|nfp_[A-Za-z0-9]{36})"
)
_AZURE_SECRET = re.compile(r"(?<![\w~.-])[\w~.]{3}[0-9]Q~[\w~.-]{31,34}(?![\w~.-])")
_TELEGRAM = re.compile(r"(?<![0-9A-Za-z])[0-9]{8,10}:[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])")

_SCHEMES = ("bearer", "basic", "negotiate", "ntlm", "token", "apikey")
_SCHEME = re.compile(
    rf"(?i)(?<![A-Za-z0-9])(?P<scheme>{'|'.join(_SCHEMES)})"
    r"(?P<gap>[ \t:=]{1,4})(?P<value>[A-Za-z0-9._~+/|:=-]{4,}+)"
)
_LOOKS_RANDOM = re.compile(r"(?=.{0,512}[0-9])[A-Za-z0-9_-]{20,}")

_HASHES = re.compile(
    r"\$2[abxy]?\$[0-9]{2}\$[./A-Za-z0-9]{20,60}"  # bcrypt
    r"|\$argon2(?:id|i|d)\$[A-Za-z0-9,=+/$.-]{16,}"
    r"|\$(?:[1567y]|gy|sha1|scrypt|pbkdf2[a-z0-9-]{0,8})\$[A-Za-z0-9./=,$+-]{16,}"
    r"|(?:pbkdf2|bcrypt|argon2|scrypt)(?:_[a-z0-9]{1,12})?\$[A-Za-z0-9+/=$.,-]{16,}"
    r"|\{(?:SSHA|SHA|SMD5|CRYPT|SSHA256|SSHA512|PBKDF2)\}[A-Za-z0-9+/=$.]{16,}"
)


def private_keys(text: str, scan: Scan) -> str:
    """PEM private keys (RFC 7468) and their like; one without an end reaches to the text's end."""
    found = _BEGIN.search(text)
    if found is None:
        return text
    pieces: list[str] = []
    at = 0
    while found is not None:
        pieces += (text[at : found.start()], scan.dropped("value:pem", "private_key"))
        end = _END.search(text, found.end())
        if end is None:
            at = len(text)
            break
        at = end.end()
        found = _BEGIN.search(text, at)
    return "".join((*pieces, text[at:]))


def lines_of_keys(gathered: list[Any], scan: Scan) -> None:
    """Take out what follows in a list on an item in which a private key begins.

    Args:
        gathered: container, name and text by turns, of all texts.
        scan: takes note.
    """
    for items, first, text in zip(gathered[::3], gathered[1::3], gathered[2::3], strict=True):
        begun = list(_BEGIN.finditer(text)) if type(items) is list else []
        if not begun or _END.search(text, begun[-1].end()) is not None:
            continue
        for index in range(first + 1, len(items)):
            line = items[index]
            if type(line) is not str:
                break
            items[index] = scan.dropped("value:pem", "private_key")
            if _END.search(line) is not None:
                break


def json_web_tokens(text: str, scan: Scan) -> str:
    """JWS and JWE in compact form (RFC 7515, RFC 7516), where the header names an `alg`."""
    start = text.find("eyJ")
    if start < 0:
        return text
    pieces: list[str] = []
    at = 0
    while start >= 0:
        match = _JWT.match(text, start)
        if match is not None and not _names_algorithm(match[1]):
            inner = match[1].rfind("eyJ")
            match = _JWT.match(text, start + inner) if inner > 0 else None
            if match is not None and not _names_algorithm(match[1]):
                match = None
        if match is not None:
            pieces += (text[at : match.start()], scan.dropped("value:jwt", "jwt"))
            at = match.end()
            start = text.find("eyJ", at)
        else:
            # No later `eyJ` of this run has other dots behind it: go on after the run.
            run = _URL_BASE64.match(text, start)
            start = text.find("eyJ", run.end() if run else start + 3)
    return "".join((*pieces, text[at:]))


def _names_algorithm(header: str) -> bool:
    try:
        decoded = orjson.loads(base64.urlsafe_b64decode(header[:4096] + "=="))
    except (ValueError, binascii.Error):
        return False
    return isinstance(decoded, dict) and "alg" in decoded


def api_keys(text: str, scan: Scan) -> str:
    """Keys with a prefix that says whose they are."""

    def replace(match: re.Match[str]) -> str:
        start = match.start()
        if start and text[start - 1].isalnum():
            return match[0]
        return scan.dropped("value:api_key", "api_key")

    text = _KEYS.sub(replace, text)
    if "Q~" in text:
        text = _AZURE_SECRET.sub(lambda _: scan.dropped("value:api_key", "api_key"), text)
    if ":" in text:
        text = _TELEGRAM.sub(lambda _: scan.dropped("value:api_key", "api_key"), text)
    return text


def schemes(text: str, scan: Scan) -> str:
    """What follows an HTTP authentication scheme (RFC 7235): `Bearer …`, `Basic …`."""

    def replace(match: re.Match[str]) -> str:
        scheme = match["scheme"].lower()
        value = match["value"]
        if scheme == "bearer":
            word = value.rstrip(".:,;").lower()
            fits = len(word) >= 6 and word.split("=")[0] not in BEARER_WORDS
        elif scheme == "basic":
            fits = _is_user_and_password(value)
        elif scheme in ("negotiate", "ntlm"):
            fits = len(value) >= 16
        else:
            fits = match["gap"].isspace() and _LOOKS_RANDOM.fullmatch(value) is not None
        if not fits:
            return match[0]
        kind = "basic" if scheme == "basic" else "bearer"
        return match["scheme"] + match["gap"] + scan.dropped(f"value:{kind}", kind)

    low = text.lower()
    for word in _SCHEMES:
        if word in low:
            return _SCHEME.sub(replace, text)
    return text


def _is_user_and_password(value: str) -> bool:
    try:
        decoded = base64.b64decode(
            value.rstrip("=")[:4096] + "==", altchars=b"-_" if _url(value) else None
        )
    except (ValueError, binascii.Error):
        return False
    return b":" in decoded and all(byte >= 0x20 for byte in decoded[:64])


def _url(value: str) -> bool:
    return "-" in value or "_" in value


def password_hashes(text: str, scan: Scan) -> str:
    """Password hashes in the forms of crypt(3), PHC and Django."""
    return _HASHES.sub(lambda _: scan.dropped("value:password_hash", "password_hash"), text)
