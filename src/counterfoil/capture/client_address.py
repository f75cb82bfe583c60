"""Whose address a request came from, as far as trusted proxies vouch for it.

Each proxy appends the address that it was called from, so the chain is read from its end: as
long as the hop before is a trusted proxy, its word about the next one counts. The first hop that
is none is the client, and all that stands before it is only what that client claimed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import islice

from counterfoil.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: A longer chain of proxies is none; it bounds the work that a hostile header makes.
MAX_HOPS = 32
#: Of what was claimed, the entries next to the hop that is believed.
MAX_CLAIMS = 16
_MAX_CLAIM_CHARS = 64

_MAPPED = IPv6Network("::ffff:0:0/96")
#: IPv6 in brackets or IPv4, with a port.
_WITH_PORT = re.compile(r"\[([^\[\]%]{2,45})\](?::[0-9]{1,5})?|([0-9.]{7,15}):[0-9]{1,5}").fullmatch
#: RFC 7239 section 4: one ``name=value`` of an element, and what parts it from the next.
_PAIR = re.compile(
    r"[ \t]*(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)="
    r'([!#$%&\'*+.^_`|~0-9A-Za-z:\[\]-]+|"(?:[^"\\]|\\.)*"))?[ \t]*(;|$)'
).match
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True, slots=True)
class ClientAddress:
    """Where a request came from.

    Attributes:
        address: of the first hop that is no trusted proxy, in its standard form; None where
            the server itself does not know whom it talks to.
        claimed: what the client said stood before it, next hop last; checked by nobody.
        omitted: how many entries of the claim are not in ``claimed``.
    """

    address: str | None
    claimed: tuple[str, ...] = field(default=(), repr=False)
    omitted: int = 0


class TrustedProxies:
    """The proxies whose word about the client's address is believed.

    Args:
        networks: addresses and networks (CIDR), and ``unix`` for a server that listens on a
            Unix socket, whose peers have no address. Empty: nobody is believed, and the
            address is that of the connection.
        header: the one header that the proxies write: ``forwarded`` (RFC 7239), or one that
            holds a list of addresses. To read more than one would let a client choose which.

    Raises:
        ConfigurationError: an entry is neither an address nor a network.
    """

    def __init__(self, networks: Iterable[str] = (), *, header: str = "x-forwarded-for") -> None:
        names = [networks] if isinstance(networks, str) else list(networks)
        self.header = header.lower()
        self._unix = "unix" in names
        self._networks = [_network(name) for name in names if name != "unix"]
        self._split = _forwarded if self.header == "forwarded" else _listed

    def resolve(self, peer: str | None, headers: Sequence[str]) -> ClientAddress:
        """The client's address.

        Args:
            peer: the address of the connection; None for a Unix socket.
            headers: the values of the header's lines, in the order of the request.
        """
        line = ",".join(headers)
        here = None if peer is None else parse_address(peer.partition("%")[0])
        hops = self._split(line) if line else iter(())
        at = len(line)
        trusted = self._unix if peer is None else self._is_trusted(here)
        for start, said in islice(hops, MAX_HOPS):
            if not trusted or said is None:
                break
            here, at = said, start
            trusted = self._is_trusted(said)
        return _with_claims(here, line[:at])

    def _is_trusted(self, address: Address | None) -> bool:
        return address is not None and any(address in network for network in self._networks)


def parse_address(text: str) -> Address | None:
    """An IP address, with or without a port or brackets; IPv4-mapped ones as IPv4.

    None for everything else, such as the obfuscated and unknown identifiers of RFC 7239.
    """
    text = text.strip(" \t")
    ported = _WITH_PORT(text)
    if ported is not None:
        text = ported[1] or ported[2]
    if len(text) > 45 or "%" in text:
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _network(name: str) -> Network:
    try:
        network = ip_network(name)
    except ValueError as error:
        raise ConfigurationError(
            "A trusted proxy is neither an address nor a network.",
            remedy="Write 192.0.2.7, 192.0.2.0/24, 2001:db8::/32 or unix; a network's address "
            "has no bits beyond its prefix.",
        ) from error
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        mapped = network.network_address.ipv4_mapped
        return IPv4Network((str(mapped), network.prefixlen - 96))
    return network


def _listed(line: str) -> Iterator[tuple[int, Address | None]]:
    """The entries of ``X-Forwarded-For``, last one first, each with where its text begins."""
    end = len(line)
    while end >= 0:
        comma = line.rfind(",", 0, end)
        start = comma + 1
        yield max(comma, 0), parse_address(line[start:end].strip(' \t"'))
        end = comma


def _forwarded(line: str) -> Iterator[tuple[int, Address | None]]:
    """The elements of ``Forwarded``, last one first, each with where its text begins.

    Read from the end, so that a quote which a client leaves open cannot swallow what the
    proxies appended.
    """
    end = len(line)
    while end >= 0:
        comma = _comma_before(line, end)
        yield max(comma, 0), _element(line[comma + 1 : end])
        end = comma


def _comma_before(line: str, end: int) -> int:
    quoted = False
    for at in range(end - 1, -1, -1):
        if line[at] == '"' and not _is_escaped(line, at):
            quoted = not quoted
        elif line[at] == "," and not quoted:
            return at
    return -1


def _is_escaped(line: str, at: int) -> bool:
    before = at
    while before > 0 and line[before - 1] == "\\":
        before -= 1
    return (at - before) % 2 == 1


def _element(text: str) -> Address | None:
    """The ``for`` of an element, where the element is well-formed and has one."""
    found: list[str] = []
    at = 0
    while at <= len(text):
        pair = _PAIR(text, at)
        if pair is None:
            return None
        if pair[1] is not None and pair[1].lower() == "for":
            found.append(pair[2])
        at = pair.end() + (not pair[3])
    if len(found) != 1:
        return None
    value = found[0]
    return parse_address(_ESCAPED.sub(r"\1", value[1:-1]) if value[0] == '"' else value)


def _with_claims(here: Address | None, rest: str) -> ClientAddress:
    claims: list[str] = []
    omitted = 0
    if rest:
        entries = rest.rsplit(",", MAX_CLAIMS)
        if len(entries) > MAX_CLAIMS:
            omitted = 1 + entries.pop(0).count(",")
        claims = [claim[:_MAX_CLAIM_CHARS] for entry in entries if (claim := entry.strip(" \t"))]
    return ClientAddress(None if here is None else str(here), tuple(claims), omitted)
