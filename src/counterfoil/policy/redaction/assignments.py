"""Names with a value beside them inside a text, in the ways that people and programs write them.

`name=value` (forms, queries, connection strings), `name: value` (headers, YAML, messages),
`"name": "value"` (JSON that does not parse, a dict's repr), `--name value` (command lines),
`<name>value</name>` (XML) and `PASSWORD 'value'` (SQL).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from urllib.parse import unquote_plus

from .marker import MARKER, is_mark
from .names import joined
from .scan import Scan
from .treatment import Treatment, Verdict, stronger
from .vocabulary import NOTHING, STATUS_WORDS, URL_PARAMETERS

_ASSIGNMENT = re.compile(
    r"(?P<marker>\[redacted:[^\s\[\]]{1,80}\])"
    r"|(?<![\w.%\]-])(?P<dashes>--?)?"
    r"(?P<name>\w(?>(?:[\w.%\]-]|\[(?!redacted:)){0,127}))"
    r"(?P<quote>\\{0,8}+[\"']?)\]?"
    r"(?:[ \t]{0,8}+(?P<sign>=>|:=|={1,3}|:(?![/:]))[ \t]{0,8}+"
    r"|(?(dashes)[ \t]{1,8}+(?=[^\s-])|(?!)))"
)
# What bytes look like in a repr has a b before the quote.
_OPENING = re.compile(r"b?(\\{0,8}[\"'`])")
_GROUP = re.compile(r"\[[^\[\]]*(?:\]|\Z)|\{[^{}]*(?:\}|\Z)")
# An & or ; ends a value where another name, a blank or nothing follows it: else it is a part.
_BARE = re.compile(r"(?:[^\s\"'<>`&;,]|[&;,](?![\s&;,\"'<>]|$|amp;|[\w.%\[\]+-]{1,64}=))+")
_WITH_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9-]{1,24}[ \t]{1,4}[^\s\"'<>&;,]+")
_WORD = re.compile(r"[^\s\"'<>]+")
_LINE = re.compile(r"[^\r\n]*")
_LINES = {"'": re.compile(r"[^\r\n']*"), '"': re.compile(r"[^\r\n\"]*")}
"""What is left of a line up to the quote that opened before the header's name."""
_ENDS = frozenset(["", "\n", "\r", '"', "'", "<", "`"])
_TRAILING = ",;.)]}"
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_MASKED = re.compile(r"[*•xX.#-]{3,}")
_HEADER_KINDS = frozenset(["authorization", "cookie"])
_SHORTEST_WORD = 3
# A word of a sentence is no value, unless it is none of any language: "password: hunter2x failed".
_NO_WORD = re.compile(r"(?=[^\W\d]*\d)(?=\d*[^\W\d])\w\S{7,}")
_CODE_OF_DIGITS = re.compile(r"[0-9]{4,8}")
_LONGEST_SPARED = 512
"""Characters of an unquoted value that may be looked at and left. What follows in it is looked at
again by itself, which for longer ones would cost the square of their length: they always go."""

_BEFORE_PARAMETER = frozenset("?&#;")
_BLOCK = re.compile(r"[|>][+-]?[ \t]{0,8}\r?\n((?:[ \t]+[^\r\n]*(?:\r?\n|\Z))+)")

_INPUT = re.compile(r"(?i)<input\b[^<>]{0,2048}>")
_ATTRIBUTE = re.compile(r"(?i)(?<![\w-])(type|name|id|value)\s{0,8}=\s{0,8}([\"'])(.*?)\2")

_ELEMENT = re.compile(
    r"<(?P<name>[A-Za-z_][\w:.-]{0,127}+)(?:\s[^<>]{0,1024}+)?>"
    r"(?P<value><!\[CDATA\[[^\]]{0,4096}\]\]>|[^<]+)(?=</)"
)
_PAIR = re.compile(
    r"[(\[][ \t]{0,8}b?(?P<quote>\\{0,8}[\"'])(?P<name>[\w.-]{1,128})(?P=quote)"
    r"[ \t]{0,8},[ \t\r\n]{0,8}b?(?P<opening>\\{0,8}[\"'])"
)
_PAIR_END = re.compile(r",?[ \t\r\n]{0,8}[)\]]|\Z")
_NEW_LINE = r"(?:\r?\n|(?:\\r)?\\n)"
_FORM_PART = re.compile(
    r"(?i)form-data;[ \t]{0,8}(?:filename=[^\r\n;]{0,256};[ \t]{0,8})?name=[\"']?"
    r"(?P<name>[^\"'\r\n;\\]{1,128})[\"']?[^\r\n\\]{0,256}"
    rf"(?:{_NEW_LINE}[A-Za-z-]{{1,64}}:[^\r\n\\]{{0,256}}){{0,8}}{_NEW_LINE}{_NEW_LINE}"
)
_BOUNDARY = re.compile(rf"{_NEW_LINE}--")
_SQL = re.compile(
    r"(?i)(?<![\w])(?:password|passphrase|passwd|secret|identified by)[ \t]{1,8}(?=['\"])"
)
_CURL_USER = re.compile(
    r"(?<![\w-])(?:-u|--user|--proxy-user)[ \t=]{1,4}[\"']?"
    r"(?!\[redacted:)[^\s:\"']{1,128}:(?P<value>[^\s\"']+)"
)
_OAUTH = re.compile(
    r"(?i)[?&#;\s\"'](?:state|grant_type|redirect_uri|code_verifier|client_id|client_secret"
    r"|session_state|iss)=|^(?:state|grant_type|redirect_uri|client_id)=|oauth|callback|/auth"
)


def assignments(text: str, scan: Scan) -> str:
    """Treat every value beside a name that gives it away."""
    pieces: list[str] = []
    at = position = 0
    # The whole text is looked at for it, and so once, however many codes there are.
    oauth = cache(lambda: _OAUTH.search(text) is not None)
    while (match := _ASSIGNMENT.search(text, position)) is not None:
        position = match.end()
        if match["marker"] is not None:
            if not is_mark(match["marker"], scan.rules.kinds):
                # It only looks like a mark: what is inside is read like any text.
                position = match.start() + 1
            continue
        verdict = _verdict(match, text, scan, oauth)
        if verdict is None:
            continue
        span = _value(match, text, verdict, scan)
        if span is None:
            continue
        start, end = span
        value = text[start:end]
        if value.lower() in NOTHING or _MASKED.fullmatch(value):
            position = end
            continue
        replaced = scan.treated(verdict, value)
        if replaced is None and _is_endless(match, text, start, end):
            replaced = scan.dropped(verdict.rule, verdict.kind)
        if replaced is not None:
            pieces += (text[at:start], replaced)
            at = position = end
    return "".join((*pieces, text[at:])) if pieces else text


def _is_endless(match: re.Match[str], text: str, start: int, end: int) -> bool:
    """Whether a value is longer than one that may be left, with nothing that closes it."""
    quoted = start > match.end() and text[start - 1] in "\"'`"
    return not quoted and end - start > _LONGEST_SPARED


def _verdict(
    match: re.Match[str], text: str, scan: Scan, oauth: Callable[[], bool]
) -> Verdict | None:
    name, sign = match["name"], match["sign"]
    if "%" in name:
        name = unquote_plus(name)
    verdict = scan.names.verdict(name)
    if sign is not None and sign[0] == "=" and not match["quote"]:
        return stronger(_url_verdict(name, match, text, oauth), verdict)
    return verdict


CODE = Verdict("name:oauth_code", "oauth_code", Treatment.DROP)
_SQL_VALUE = Verdict("value:sql", "password", Treatment.DROP)
_CURL_VALUE = Verdict("value:curl", "password", Treatment.DROP)
_SIGNATURE = Verdict("url:parameter", "token", Treatment.DROP)
_KEY = Verdict("url:key", "api_key", Treatment.DROP, needs=re.compile(r"^[^/]{16,}$"))


def _url_verdict(
    name: str, match: re.Match[str], text: str, oauth: Callable[[], bool]
) -> Verdict | None:
    """Names that give a value away as a parameter, and are ordinary words elsewhere."""
    if name.lower() == "code":
        return CODE if oauth() else None
    if text[max(0, match.start() - 1) : match.start()] not in _BEFORE_PARAMETER:
        return None
    plain = joined(name)
    if plain in URL_PARAMETERS:
        return _SIGNATURE
    return _KEY if plain == "key" else None


def _value(match: re.Match[str], text: str, verdict: Verdict, scan: Scan) -> tuple[int, int] | None:
    """Where the value begins and ends; None where this is not one."""
    start = match.end()
    opening = _OPENING.match(text, start)
    if opening is not None:
        return opening.end(), _quoted_end(text, opening.end(), opening[1])
    if MARKER.match(text, start) is None:
        group = _GROUP.match(text, start) if verdict.whole else None
        if group is not None:
            return (start, group.end()) if group.end() - start > 2 else None
        if text.startswith("{", start):
            return None
    sign = match["sign"]
    if sign is None or sign[0] == "=":
        bare = _BARE.match(text, start)
        if bare is not None and verdict.kind == "authorization":
            bare = _WITH_SCHEME.match(text, start) or bare
        return (start, bare.end()) if bare else None
    return _after_colon(match, text, start, verdict, scan)


def _after_colon(
    match: re.Match[str], text: str, start: int, verdict: Verdict, scan: Scan
) -> tuple[int, int] | None:
    """A header reaches to the end of its line; elsewhere a single word is taken for a value."""
    if verdict.kind in _HEADER_KINDS:
        before = text[match.start() - 1 : match.start()] if match.start() else ""
        line = _LINES.get(before, _LINE)
        first = line.match(text, start, start + _LONGEST_SPARED)
        words = first[0].split(maxsplit=1) if first else []
        if words and words[0].lower().strip(_TRAILING) in STATUS_WORDS:
            return None
        whole = line.match(text, start)
        end = whole.end() if whole else start
        said = text[start:end].strip()
        if not said:
            return None
        if verdict.kind == "cookie" and len(said) <= _LONGEST_SPARED and not _is_cookie(said):
            return None
        return start, start + len(text[start:end].rstrip())
    block = _BLOCK.match(text, start)
    if block is not None:  # YAML
        return block.start(1), block.start(1) + len(block[1].rstrip())
    word = _WORD.match(text, start)
    if word is None:
        return None
    bare = word[0].rstrip(_TRAILING)
    if len(bare) > _LONGEST_SPARED:
        return start, start + len(bare)
    mark = MARKER.match(text, start)
    if "://" in bare or (
        mark is not None and len(bare) <= len(mark[0]) and is_mark(mark[0], scan.rules.kinds)
    ):
        return None
    end = start + len(bare)
    following = text[end : end + 1]
    if not (following in _ENDS or following in _TRAILING or _is_no_word(bare, verdict)):
        return None
    if bare.lower() in STATUS_WORDS or len(bare) < _SHORTEST_WORD:
        return None
    if match["quote"] and not verdict.numbers and _NUMBER.fullmatch(bare):
        return None
    return start, end


def _is_no_word(bare: str, verdict: Verdict) -> bool:
    return _NO_WORD.fullmatch(bare) is not None or (
        verdict.numbers and _CODE_OF_DIGITS.fullmatch(bare) is not None
    )


def _is_cookie(said: str) -> bool:
    return "=" in said or (len(said) >= 16 and " " not in said)


def _quoted_end(text: str, start: int, opening: str) -> int:
    """Where the quote closes that `opening` opened, with as many backslashes before it."""
    quote, escapes = opening[-1], len(opening) - 1
    at = text.find(quote, start)
    while at >= 0:
        near = text[max(start, at - 16) : at]
        slashes = len(near) - len(near.rstrip("\\"))
        if slashes <= escapes if escapes else slashes % 2 == 0:
            return at - slashes if escapes else at
        at = text.find(quote, at + 1)
    return len(text)


def elements(text: str, scan: Scan) -> str:
    """The text of XML elements with such a name."""

    def replace(match: re.Match[str]) -> str:
        verdict = scan.names.verdict(match["name"].rpartition(":")[2])
        value = match["value"].strip()
        replaced = scan.treated(verdict, value) if verdict is not None else None
        if replaced is None:
            return match[0]
        return match[0][: match.start("value") - match.start()] + replaced

    return _ELEMENT.sub(replace, text)


def inputs(text: str, scan: Scan) -> str:
    """The value of an HTML input for a password, or for what its name gives away."""

    def replace(match: re.Match[str]) -> str:
        attributes = {found[1].lower(): found for found in _ATTRIBUTE.finditer(match[0])}
        value = attributes.get("value")
        if value is None:
            return match[0]
        verdict = None
        for told in ("type", "name", "id"):
            if told in attributes:
                verdict = stronger(verdict, scan.names.verdict(attributes[told][3]))
        replaced = scan.treated(verdict, value[3]) if verdict is not None else None
        if replaced is None:
            return match[0]
        return match[0][: value.start(3)] + replaced + match[0][value.end(3) :]

    return _INPUT.sub(replace, text)


def pairs(text: str, scan: Scan) -> str:
    """A tuple or list of a name and its value as a repr: `(b'cookie', b'id=1')` of a header."""
    pieces: list[str] = []
    at = position = 0
    while (match := _PAIR.search(text, position)) is not None:
        position = match.end()
        verdict = scan.names.verdict(match["name"])
        if verdict is None:
            continue
        end = _quoted_end(text, position, match["opening"])
        closing = _PAIR_END.match(text, end + len(match["opening"]))
        replaced = scan.treated(verdict, text[position:end]) if closing is not None else None
        if replaced is not None:
            pieces += (text[at:position], replaced)
            at = position = end
    return "".join((*pieces, text[at:])) if pieces else text


def form_parts(text: str, scan: Scan) -> str:
    """The content of a part of a multipart form (RFC 7578), as sent or in a repr of the bytes."""
    pieces: list[str] = []
    at = 0
    for match in _FORM_PART.finditer(text):
        verdict = scan.names.verdict(match["name"])
        if verdict is None or match.start() < at:
            continue
        start = match.end()
        closing = _BOUNDARY.search(text, start)
        end = len(text) if closing is None else closing.start()
        replaced = scan.treated(verdict, text[start:end])
        if replaced is not None:
            pieces += (text[at:start], replaced)
            at = end
    return "".join((*pieces, text[at:])) if pieces else text


def statements(text: str, scan: Scan) -> str:
    """`PASSWORD 'value'` and `IDENTIFIED BY 'value'` in SQL, `-u user:password` of curl."""
    pieces: list[str] = []
    at = position = 0
    while (match := _SQL.search(text, position)) is not None:
        start = match.end() + 1
        end = _quoted_end(text, start, text[match.end()])
        position = end
        if (replaced := scan.treated(_SQL_VALUE, text[start:end])) is not None:
            pieces += (text[at:start], replaced)
            at = end
    text = "".join((*pieces, text[at:])) if pieces else text

    def replace(user: re.Match[str]) -> str:
        replaced = scan.treated(_CURL_VALUE, user["value"])
        return user[0] if replaced is None else user[0][: -len(user["value"])] + replaced

    return _CURL_USER.sub(replace, text) if "-u" in text or "user" in text else text
