"""Every special address range from both ends, and what an allow-list permits."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.channels.address import AddressPolicy
from alerts.errors import PolicyError

# (network, why its first and last address are refused); written from the IANA registries and the
# clouds' documents, not from the table under test.
SPECIAL = [
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("100.100.100.200/32", "cloud metadata service"),
    ("127.0.0.0/8", "loopback"),
    ("168.63.129.16/32", "cloud metadata service"),
    ("169.254.0.0/16", "link-local"),
    ("169.254.169.254/32", "cloud metadata service"),
    ("169.254.170.2/32", "cloud metadata service"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.0.192/32", "cloud metadata service"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/5", "reserved"),
    ("255.255.255.255/32", "broadcast"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::2/127", "IPv4-compatible"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:127.0.0.1/128", "IPv4-mapped"),
    ("::ffff:8.8.8.8/128", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b::a9fe:a9fe/128", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", "discard"),
    ("2001::/32", "Teredo"),
    ("2001:2::/48", "protocol assignments"),
    ("2001:20::/28", "protocol assignments"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "6to4"),
    ("2002:7f00:1::/48", "6to4"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("4000::/3", "not global unicast"),
    ("8000::/1", None),
    ("fc00::/7", "private"),
    ("fd00:ec2::254/128", "cloud metadata service"),
    ("fd20:ce::254/128", "cloud metadata service"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
    ("ff02::1/128", "multicast"),
]

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2000::1",
    "2001:200::1",
    "2001:db7:ffff::1",
    "2001:db9::1",
    "2003::1",
    "2606:4700:4700::1111",
    "2a00:1450:4001:81b::200e",
    "3ffe:ffff::1",
]


@pytest.mark.parametrize(("network", "why"), SPECIAL)
def test_special_networks_are_refused_from_end_to_end(network: str, why: str | None) -> None:
    block = ip_network(network)
    for address in (block[0], block[-1]):
        judgement = AddressPolicy().judge(str(address))
        assert not judgement.permitted, address
        if why is not None and address == block[0]:
            assert judgement.refused == why


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert AddressPolicy().judge(address).permitted


@pytest.mark.parametrize(("network", "why"), SPECIAL)
def test_an_allowed_network_permits_what_it_contains(network: str, why: str | None) -> None:
    policy = AddressPolicy.allowing([network])
    assert policy.judge(str(ip_network(network)[0])).permitted


@pytest.mark.parametrize(
    "disguise",
    ["::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:0a00:0001::1", "::10.0.0.1", "10.1.0.0"],
)
def test_allowing_a_network_does_not_allow_its_disguises_or_neighbours(disguise: str) -> None:
    policy = AddressPolicy.allowing(["10.0.0.0/16"])
    assert policy.judge("10.0.0.1").permitted
    assert not policy.judge(disguise).permitted


@pytest.mark.parametrize("text", ["fe80::1%eth0", "::1%lo", "fd00::1%1"])
def test_a_zone_hides_nothing(text: str) -> None:
    assert not AddressPolicy().judge(text).permitted
    assert AddressPolicy.allowing(["fe80::/10", "::1", "fd00::/8"]).judge(text).permitted


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "1.2.3.4.5"]
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert AddressPolicy.allowing(["0.0.0.0/0", "::/0"]).judge(text).refused == "not an IP address"


@pytest.mark.parametrize("text", ["10.0.0.1/8", "example.org", ""])
def test_a_bad_network_is_named(text: str) -> None:
    with pytest.raises(PolicyError, match="allow_networks: "):
        AddressPolicy.allowing([text])


@given(st.ip_addresses())
def test_what_passes_is_global_for_the_standard_library_too(address: object) -> None:
    judgement = AddressPolicy().judge(str(address))
    if judgement.permitted:
        parsed = ip_address(str(address))
        assert parsed.is_global
        assert not parsed.is_multicast
        assert not parsed.is_reserved
