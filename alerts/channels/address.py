"""Which addresses a receiver may have: a pure judgement of IP addresses against SSRF.

A receiver's name comes from configuration, but what it resolves to is decided by whoever runs its
DNS. Without this judgement that person could point the daemon at the loopback interface, the
neighbours in its private network or the cloud's metadata service.

The tables are literal, after the IANA special-purpose registries (RFC 6890 and its updates),
because `ipaddress.is_private` means different things in different patch releases of Python. IPv6
is judged the other way round: only global unicast (2000::/3) may pass, minus the special blocks.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TYPE_CHECKING, TypeAlias

from alerts.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Iterable

Address: TypeAlias = "IPv4Address | IPv6Address"
Network: TypeAlias = "IPv4Network | IPv6Network"

_GLOBAL_V6 = IPv6Network("2000::/3")

# The first network that contains an address names the reason, so the narrow ones come first.
_REFUSED: tuple[tuple[str, str], ...] = (
    ("169.254.169.254/32", "cloud metadata service"),
    ("169.254.170.2/32", "cloud metadata service"),
    ("168.63.129.16/32", "cloud metadata service"),
    ("100.100.100.200/32", "cloud metadata service"),
    ("192.0.0.192/32", "cloud metadata service"),
    ("255.255.255.255/32", "broadcast"),
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier-grade NAT"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "protocol assignments"),
    ("192.0.2.0/24", "documentation"),
    ("192.31.196.0/24", "AS112 anycast"),
    ("192.52.193.0/24", "automatic multicast tunnelling"),
    ("192.88.99.0/24", "6to4 relay"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "AS112 anycast"),
    ("198.18.0.0/15", "benchmarking"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("fd00:ec2::254/128", "cloud metadata service"),
    ("fd00:ec2::23/128", "cloud metadata service"),
    ("fd20:ce::254/128", "cloud metadata service"),
    ("fd00:42::42/128", "cloud metadata service"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "IPv4-mapped"),
    ("::ffff:0:0:0/96", "IPv4-translated"),
    ("::/96", "IPv4-compatible"),
    ("64:ff9b::/96", "NAT64"),
    ("64:ff9b:1::/48", "NAT64"),
    ("100::/64", "discard"),
    ("100:0:0:1::/64", "discard"),
    ("2001::/32", "Teredo"),
    ("2001:db8::/32", "documentation"),
    ("2001::/23", "protocol assignments"),
    ("2002::/16", "6to4"),
    ("2620:4f:8000::/48", "AS112 anycast"),
    ("3fff::/20", "documentation"),
    ("5f00::/16", "segment routing"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "site-local"),
    ("ff00::/8", "multicast"),
)
_TABLE: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), why) for network, why in _REFUSED
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Whether an address may be connected to.

    Attributes
    ----------
    address
        As judged, without a zone.
    refused
        Why not ("loopback", "private", ...); "" when it may be connected to.
    """

    address: Address
    refused: str

    @property
    def permitted(self) -> bool:
        """Whether a connection may be made."""
        return not self.refused


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Judges addresses: everything special is refused unless an allowed network contains it.

    An IPv6 form of an IPv4 address (mapped, NAT64, 6to4) is permitted only by an IPv6 network:
    allowing 10.0.0.0/8 says nothing about the translators that lead there.
    """

    allowed: tuple[Network, ...] = ()

    @classmethod
    def allowing(cls, networks: Iterable[str]) -> AddressPolicy:
        """Build from texts such as `10.1.0.0/16` or `::1`; `PolicyError` names a bad one."""
        return cls(tuple(_network(text) for text in networks))

    def judge(self, text: str) -> Judgement:
        """Judge an address as the resolver writes it; text that is no address is refused."""
        try:
            address = _unscoped(ip_address(text))
        except ValueError:
            return Judgement(IPv6Address(0), "not an IP address")
        if any(address in network for network in self.allowed):
            return Judgement(address, "")
        return Judgement(address, _special(address))


def _special(address: Address) -> str:
    """Name what makes the address special, "" for an ordinary public one."""
    for network, why in _TABLE:
        if address in network:
            return why
    if isinstance(address, IPv6Address) and address not in _GLOBAL_V6:
        return "not global unicast"
    return ""


def _unscoped(address: Address) -> Address:
    """Drop an IPv6 zone: networks contain no scoped addresses."""
    return IPv6Address(int(address)) if isinstance(address, IPv6Address) else address


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise PolicyError(f"allow_networks: {error}") from None
