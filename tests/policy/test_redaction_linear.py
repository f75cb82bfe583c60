"""Hostile texts cost no more than their length: four times the text, about four times the work.

What is compared is the time of this machine at this moment with itself, with a wide margin: a
quadratic pattern would take sixteen times as long.
"""

from __future__ import annotations

import math
import time

import pytest

from counterfoil.policy.redaction import Anonymiser, Redactor

SHORT, LONG = 1 << 18, 1 << 20
MARGIN = 9.0
"""Between the four of linear and the sixteen of quadratic work."""

ATTEMPTS = 8
FLOOR = 0.02
"""Seconds that 256 KiB may take without being compared."""

UNITS = {
    "letters": "a",
    "digits": "1",
    "digit groups": "4444 ",
    "capitals": "A",
    "words": "lorem ipsum ",
    "long name": "password_",
    "names and equals": "password=",
    "names and colons": "password: ",
    "assignments": "a=1&",
    "ampersands": "&",
    "dashes": "-",
    "flags": "--a ",
    "quotes": '"',
    "escaped quotes": 'x="\\"',
    "backslashes": "\\",
    "open brackets": "[",
    "objects": '{"a":1}',
    "open objects": '{"a":',
    "quoted": '"a',
    "open list": '["a",',
    "marks": "[redacted:password]",
    "half marks": "[redacted:",
    "blocks": "password: |\n  a\n",
    "groups": "password=[",
    "tags": "<a>",
    "inputs": "<input ",
    "cdata": "<a><![CDATA[",
    "doubly encoded": "%2541",
    "base64": "QUJD",
    "base64 and slashes": "QUJDREVGR0hJSktMTU5PUFFSU1RV/",
    "jwt starts": "eyJ",
    "jwt parts": "eyJ.",
    "pem starts": "-----BEGIN PRIVATE KEY-----",
    "pem halves": "-----BEGIN ",
    "schemes": "Bearer ",
    "urls": "https://a:b@c/",
    "url ports": "//a:b",
    "at signs": "@",
    "resets": "/reset/",
    "ibans": "GB82 W",
    "hashes": "$2b$12$",
    "letters of another script": "é",
    "full-width digits": "\uff11",
    "sql": "password '",
    "pairs": "('a', '",
    "pairs of bytes": "(b'password', b'",
    "form parts": "form-data; name=a\r\n",
    "torn form parts": 'form-data; name="password"\n\na',
    "entities": "&#61;",
    "escapes": "\\u0070",
    "format characters": "a\u200b",
    "codes": "code=1&",
    "keys that are paths": "?key=/",
    "cookies that are none": "cookie: a ",
    "quoted cookies that are none": '"cookie: a ',
    "headers with a status": "authorization: true ",
    "names and addresses": "password:a://",
    "blocks in blocks": "pin: |\n ",
}
PERSONAL = {"emails": "a@b.", "local parts": "a.", "phones": "+1 415 ", "digits": "1", "@": "@"}

REDACTOR = Redactor(longest=2 * LONG)
ANONYMISER = Anonymiser()


def seconds(work: object, text: str) -> float:
    start = time.process_time()
    work(text)  # type: ignore[operator]
    return time.process_time() - start


def assert_linear(work: object, unit: str) -> None:
    short, long = (unit * (size // len(unit)) for size in (SHORT, LONG))
    first = second = math.inf
    for _ in range(ATTEMPTS):
        # The best of each: what else the machine does only ever adds.
        second = min(second, seconds(work, long))
        if second <= MARGIN * FLOOR:
            return
        first = min(first, seconds(work, short))
        if second <= MARGIN * first:
            return
    pytest.fail(f"{first:.3f} s for 256 KiB, {second:.3f} s for 1 MiB")


@pytest.mark.parametrize("name", UNITS)
def test_redaction_is_linear(name: str) -> None:
    assert_linear(REDACTOR.text, UNITS[name])


@pytest.mark.parametrize("name", PERSONAL)
def test_anonymisation_is_linear(name: str) -> None:
    assert_linear(ANONYMISER.text, PERSONAL[name])


@pytest.mark.parametrize(
    ("name", "unit"), [("?key=", "a/"), ("cookie: ", "a /"), ("password:", "a://")]
)
def test_a_value_too_long_to_be_looked_at_and_left_goes(name: str, unit: str) -> None:
    short, long = (name + unit * times for times in (20, 2000))
    assert REDACTOR.text(short) == short
    assert "[redacted:" in REDACTOR.text(long)
    assert len(REDACTOR.text(long)) < 60


def test_a_quadratic_pattern_would_be_noticed() -> None:
    def quadratic(text: str) -> int:
        return sum(text.count("bb", at) for at in range(0, len(text), 1024))

    with pytest.raises(pytest.fail.Exception):
        assert_linear(quadratic, "a")
