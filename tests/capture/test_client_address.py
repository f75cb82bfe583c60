"""The client's address: only what trusted proxies vouch for."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from counterfoil.capture.client_address import (
    MAX_CLAIMS,
    MAX_HOPS,
    TrustedProxies,
    parse_address,
)
from counterfoil.errors import ConfigurationError

PROXY = "10.0.0.1"
XFF = TrustedProxies(["10.0.0.0/8"])
FORWARDED = TrustedProxies(["10.0.0.0/8"], header="Forwarded")

clients = (
    st.ip_addresses()
    .map(str)
    .filter(lambda text: not text.startswith("10.") and ip_address(text).version in (4, 6))
    .map(lambda text: str(getattr(ip_address(text), "ipv4_mapped", None) or text))
    .filter(lambda text: not text.startswith("10."))
)
# What a header may hold: anything but line ends.
hostile = st.text(st.characters(max_codepoint=255, blacklist_characters="\r\n\0"), max_size=60)
tricky = st.text('"\\,;= []:%_for=1.2', max_size=40)


def bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


@given(clients, st.booleans(), hostile | tricky)
def test_what_the_client_sends_never_moves_its_address(
    client: str, with_port: bool, sent: str
) -> None:
    seen = f"{bracketed(client)}:4711" if with_port else client
    found = XFF.resolve(PROXY, [f"{sent}, {seen}"])
    assert found.address == client
    assert len(found.claimed) <= MAX_CLAIMS

    node = f'"{bracketed(client)}:4711"' if with_port else f'"{bracketed(client)}"'
    found = FORWARDED.resolve(PROXY, [f"{sent}, for={node};proto=https"])
    assert found.address == client


@given(st.lists(hostile | tricky, max_size=3), clients)
def test_headers_of_a_peer_that_nobody_trusts_are_only_claims(sent: list[str], peer: str) -> None:
    for proxies in (XFF, FORWARDED):
        assert proxies.resolve(peer, sent).address == peer


@given(
    st.lists(clients, min_size=1, max_size=4),
    st.lists(st.integers(0, 255).map(lambda n: f"10.0.0.{n}"), max_size=4),
)
def test_the_chain_is_read_from_its_end_to_the_first_stranger(
    strangers: list[str], proxies: list[str]
) -> None:
    chain = [*strangers, *proxies]
    found = XFF.resolve(PROXY, [", ".join(chain)])
    assert found.address == strangers[-1]
    assert found.claimed == tuple(strangers[:-1])
    # The same chain over several lines, as each proxy may add its own.
    assert XFF.resolve(PROXY, chain) == found
    elements = ", ".join(f'for="{bracketed(hop)}"' for hop in chain)
    assert FORWARDED.resolve(PROXY, [elements]).address == strangers[-1]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1\t", "192.0.2.1"),
        ("192.0.2.1:80", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:c000:201]:80", "192.0.2.1"),
        ("", None),
        ("unknown", None),
        ("_hidden", None),
        ("192.0.2.1:", None),
        ("192.0.2.1:port", None),
        ("192.0.2.1:123456", None),
        ("192.0.2.01", None),
        ("192.0.2", None),
        ("3221225985", None),
        ("0x7f000001", None),
        ("[192.0.2.1", None),
        ("[2001:db8::1", None),
        ("2001:db8::1]", None),
        ("fe80::1%eth0", None),
        ("[fe80::1%25eth0]:80", None),
        ("\uff11\uff19\uff12.0.2.1", None),
        ("1" * 100_000, None),
        ("[" * 100_000, None),
        (":" * 100_000, None),
    ],
)
def test_addresses_are_read_in_their_standard_forms_alone(text: str, address: str | None) -> None:
    found = parse_address(text)
    assert (None if found is None else str(found)) == address


@pytest.mark.parametrize(
    ("header", "address"),
    [
        ("for=192.0.2.43", "192.0.2.43"),
        ('For="[2001:db8:cafe::17]:4711"', "2001:db8:cafe::17"),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
        ('by="a;b,c";for=192.0.2.60', "192.0.2.60"),
        ('by="a,\\"b";for=192.0.2.60', "192.0.2.60"),
        ("proto=https; FOR=192.0.2.60 ;", "192.0.2.60"),
        ('for="192.0.2.\\1"', "192.0.2.1"),
        # Where the proxy does not say, the best that is known is the proxy.
        ("for=unknown", PROXY),
        ("for=_SEVKISEK", PROXY),
        ("proto=https", PROXY),
        ("for=192.0.2.60;for=192.0.2.61", PROXY),
        ("for=192.0.2.60 proto=https", PROXY),
        ("192.0.2.60", PROXY),
        ('for="192.0.2.60', PROXY),
        ('for="192.0.2.60\\"', PROXY),
        ("", PROXY),
    ],
)
def test_forwarded_is_read_as_rfc_7239_has_it(header: str, address: str) -> None:
    assert FORWARDED.resolve(PROXY, [header]).address == address


@pytest.mark.parametrize("proxies", [XFF, FORWARDED], ids=["x-forwarded-for", "forwarded"])
@pytest.mark.parametrize(
    "entry", ["10.0.0.2", "for=10.0.0.2", "for=198.51.100.1", "198.51.100.1", 'for="\\', "x" * 200]
)
def test_ten_thousand_entries_leave_a_bounded_answer(proxies: TrustedProxies, entry: str) -> None:
    found = proxies.resolve(PROXY, [",".join([entry] * 10_000)])
    assert len(found.claimed) == MAX_CLAIMS
    assert all(len(claim) <= 64 for claim in found.claimed)
    assert 10_000 - MAX_HOPS <= found.omitted + len(found.claimed) <= 10_000


@pytest.mark.parametrize(
    "text", ['"' * 50_000, '\\"' * 50_000, "\\" * 100_000 + '"', ";" * 100_000]
)
def test_a_header_of_nothing_but_marks_is_a_claim(text: str) -> None:
    found = FORWARDED.resolve(PROXY, [text])
    assert found.address == PROXY
    assert sum(map(len, found.claimed)) <= 64 * MAX_CLAIMS


def test_without_proxies_nobody_is_believed() -> None:
    found = TrustedProxies().resolve("192.0.2.1", ["198.51.100.1"])
    assert (found.address, found.claimed) == ("192.0.2.1", ("198.51.100.1",))


def test_mapped_addresses_and_networks_are_those_of_ipv4() -> None:
    for network in ("10.0.0.0/8", "::ffff:10.0.0.0/104"):
        proxies = TrustedProxies([network])
        for peer in ("10.1.2.3", "::ffff:10.1.2.3"):
            assert proxies.resolve(peer, ["::ffff:198.51.100.7"]).address == "198.51.100.7"
    assert TrustedProxies().resolve("fe80::1%eth0", []).address == "fe80::1"


def test_a_peer_without_an_address_is_trusted_only_where_that_is_said() -> None:
    sent = ["198.51.100.7"]
    assert TrustedProxies(["unix"]).resolve(None, sent).address == "198.51.100.7"
    for proxies in (TrustedProxies(), XFF):
        assert proxies.resolve(None, sent).address is None
    # A test client's made-up peer is no Unix socket.
    assert TrustedProxies(["unix"]).resolve("testclient", sent).address is None


@pytest.mark.parametrize("network", ["", "proxy.example.com", "10.0.0.1/8", "10.0.0.0/33"])
def test_a_malformed_network_is_refused(network: str) -> None:
    with pytest.raises(ConfigurationError):
        TrustedProxies([network])


def test_claims_do_not_show_in_a_repr() -> None:
    assert "198.51" not in repr(XFF.resolve("192.0.2.1", ["198.51.100.1"]))
