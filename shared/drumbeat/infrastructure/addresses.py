"""Where a host name leads, whether a call may go there, and the connection to it."""

import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from drumbeat.infrastructure.deadline import CallError, Deadline

type Resolver = Callable[[str, int, float], list[str]]

# Networks whose low 32 bits are the IPv4 address that a gateway connects to (RFC 6052).
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
# A public address at which the cloud's own metadata service answers.
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})


def resolve(host: str, port: int, timeout: float) -> list[str]:
    """Return the host's addresses in the order to try them.

    Raises OSError when there are none, TimeoutError when the resolver takes longer than `timeout` seconds: the
    system's own resolver knows no limit, so it runs in a thread that is abandoned at the time-out.
    """
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    result: SimpleQueue[list[str] | OSError] = SimpleQueue()
    threading.Thread(target=_look_up, args=(host, port, result), daemon=True, name="resolve").start()
    try:
        found = result.get(timeout=timeout)
    except Empty:
        raise TimeoutError from None
    if isinstance(found, OSError):
        raise found
    return found


def is_public(address: str) -> bool:
    """Return whether the address belongs to the open internet: no private, shared, local or metadata address.

    An IPv4 address wrapped in an IPv6 one is judged by what it wraps.
    """
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped or ip.sixtofour:
            return is_public(str(ip.ipv4_mapped or ip.sixtofour))
        if ip in _TRANSLATED:
            return is_public(str(ipaddress.IPv4Address(ip.packed[-4:])))
        if ip.teredo or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and ip not in _METADATA


def connect(addresses: list[str], port: int, deadline: Deadline, *, allow_private: bool) -> socket.socket:
    """Connect to the first address that answers, each having its share of the time that is left to start.

    Unless private addresses are allowed, a host that has a private one among its addresses is not connected to at all.
    Raises OSError.
    """
    if not allow_private and not all(map(is_public, addresses)):
        raise CallError("the host leads to a private address")
    failure: OSError = CallError("host not found")
    for index, address in enumerate(addresses):
        timeout = deadline.remaining_to_start() / (len(addresses) - index)
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            failure = error
    raise failure


def _look_up(host: str, port: int, result: SimpleQueue[list[str] | OSError]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: the name cannot be sent to a name server
        result.put(socket.gaierror(socket.EAI_NONAME, "no such host"))
    else:
        result.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
