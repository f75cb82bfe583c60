"""A user agent cut to what many share: the browser's family and the operating system."""

from __future__ import annotations

import re

OTHER = "Other"

# The first that matches counts: browsers name those that they want to be taken for.
_FAMILIES = tuple(
    (family, re.compile(pattern))
    for family, pattern in (
        ("Bot", r"(?i)bot\b|crawler|spider|slurp|\bBot\b"),
        ("Edge", r"\bEdg(?:e|A|iOS)?\b"),
        ("Opera", r"\bOPR\b|\bOpera\b|\bOPiOS\b"),
        ("Samsung Internet", r"\bSamsungBrowser\b|\bSamsung Internet\b"),
        ("Vivaldi", r"\bVivaldi\b"),
        ("Firefox", r"\bFirefox\b|\bFxiOS\b"),
        ("Chrome", r"\b(?:Headless)?Chrom(?:e|ium)\b|\bCriOS\b"),
        ("Safari", r"\bSafari\b"),
        ("Internet Explorer", r"\bMSIE\b|\bTrident\b|\bInternet Explorer\b"),
        ("curl", r"\bcurl\b"),
        ("Wget", r"\bWget\b"),
        ("Postman", r"\bPostman"),
        ("Python", r"(?i)\bpython|\baiohttp\b|\bhttpx\b"),
        ("Java", r"\bJava\b|\bokhttp\b|\bApache-HttpClient\b"),
        ("Go", r"\bGo-http-client\b|\bGo\b"),
        ("Node.js", r"\bnode-fetch\b|\baxios\b|\bundici\b|\bNode\.js\b"),
    )
)
_SYSTEMS = tuple(
    (system, re.compile(pattern))
    for system, pattern in (
        ("Windows", r"\bWindows\b"),
        ("iOS", r"\biPhone\b|\biPad\b|\biPod\b|\biOS\b"),
        ("Android", r"\bAndroid\b"),
        ("macOS", r"\bMac OS X\b|\bMacintosh\b|\bmacOS\b"),
        ("ChromeOS", r"\bCrOS\b|\bChromeOS\b"),
        ("Linux", r"\bLinux\b|\bX11\b"),
    )
)


def family(user_agent: str) -> str:
    """`Firefox on Windows`: the family, and the operating system where it is told.

    Args:
        user_agent: the header's value (RFC 9110 section 10.1.5), or what this function made
            of it, which stays the same.
    """
    browser = _first(_FAMILIES, user_agent) or OTHER
    system = _first(_SYSTEMS, user_agent)
    return browser if system is None else f"{browser} on {system}"


def _first(table: tuple[tuple[str, re.Pattern[str]], ...], text: str) -> str | None:
    return next((name for name, pattern in table if pattern.search(text)), None)
