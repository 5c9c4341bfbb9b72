"""Where a harvest may go: no way into the operator's own network, no way past robots.txt."""

import ipaddress
import socket
from collections.abc import Callable
from functools import cached_property
from urllib.parse import urlsplit
from urllib.robotparser import RobotFileParser

UNICAST = ipaddress.IPv6Network("2000::/3")  # RFC 4291, 2.4: what else there is leads nowhere public
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")


def addresses(host: str) -> list[str]:
    """Return the numeric addresses of a host name, none if it cannot be resolved."""
    try:
        return sorted({str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)})
    except (OSError, UnicodeError):
        return []


def is_public(address: str) -> bool:
    """Return whether a numeric address belongs to the open internet."""
    try:
        numeric = ipaddress.ip_address(address.split("%")[0])
    except ValueError:
        return False
    if isinstance(numeric, ipaddress.IPv6Address):
        if inner := _inner(numeric):
            numeric = inner
        elif numeric not in UNICAST:
            return False
    return numeric.is_global and not numeric.is_multicast


def _inner(numeric: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 address leads to: mapped, translated (NAT64), or 6to4."""
    if numeric in TRANSLATED:
        return ipaddress.IPv4Address(int(numeric) & 0xFFFFFFFF)
    return numeric.ipv4_mapped or numeric.sixtofour


class Guard:
    """Knows which addresses a source may lead to.

    A source configured with a private or loopback host may stay on private addresses; any other source is kept out of them,
    whatever its links and redirects say (server-side request forgery).
    """

    def __init__(self, home_url: str, resolve: Callable[[str], list[str]] = addresses) -> None:
        self._resolve = resolve
        self._known: dict[str, str] = {}
        self._home = home_url

    @cached_property
    def _private(self) -> bool:
        host = urlsplit(self._home).hostname
        return bool(host) and any(not is_public(address) for address in self._resolve(host or ""))

    def objection(self, url: str) -> str:
        """Return what should stand in place of `url`, or "" if it may be asked."""
        try:
            parts = urlsplit(url)
            host, _ = parts.hostname or "", parts.port
        except ValueError:
            return "an http(s) address"
        if parts.scheme not in ("http", "https") or not host:
            return "an http(s) address"
        if parts.username is not None:
            return "an address without a user name in it"
        if host not in self._known:
            self._known[host] = self._of_host(host)
        return self._known[host]

    def _of_host(self, host: str) -> str:
        private = [address for address in self._resolve(host) if not is_public(address)]
        if private and not self._private:
            return f"a public address; {host} leads into a private network ({private[0]})"
        return ""

    def peer_objection(self, address: str) -> str:
        """Return the objection to the address that was really reached (a name may change its address between look and call)."""
        if self._private or is_public(address):
            return ""
        return f"a public address; the connection went to {address}"


def rules(text: str, agent: str) -> tuple[RobotFileParser, float]:
    """Return the rules of a robots.txt and the pause in seconds it asks of `agent` (0 if none)."""
    parser = RobotFileParser()
    parser.parse(text.splitlines())
    return parser, float(parser.crawl_delay(agent) or 0)
