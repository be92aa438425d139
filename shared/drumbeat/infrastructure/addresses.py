"""Where a host name leads, whether a call may go there, and the connection to it."""

import ipaddress
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue

from drumbeat.infrastructure.deadline import CallError, Deadline

type Resolver = Callable[[str, int, float], list[str]]

# Networks whose low 32 bits are an IPv4 address that a gateway will really be asked for (RFC 6052).
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
# Public by number, yet answered by the cloud's own machinery.
_METADATA = frozenset({ipaddress.ip_address("168.63.129.16")})


def resolve(host: str, port: int, timeout: float) -> list[str]:
    """Return the host's addresses in the order to try them.

    Raises OSError when there are none, TimeoutError when the resolver takes longer than `timeout` seconds: the
    system's own resolver knows no limit, so it is asked from a thread that nobody waits for any longer.
    """
    with suppress(ValueError):
        return [str(ipaddress.ip_address(host))]
    answer: SimpleQueue[list[str] | OSError] = SimpleQueue()
    threading.Thread(target=_ask, args=(host, port, answer), daemon=True, name="resolve").start()
    try:
        found = answer.get(timeout=timeout)
    except Empty:
        raise TimeoutError from None
    if isinstance(found, OSError):
        raise found
    return found


def is_public(address: str) -> bool:
    """Tell whether the address belongs to the open internet: no private, shared, local or metadata address.

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

    Unless private addresses are allowed, one of them among the host's addresses is reason to connect to none.
    Raises OSError.
    """
    if not allow_private and not all(map(is_public, addresses)):
        raise CallError("the host leads to a private address")
    failure: OSError = CallError("host not found")
    for index, address in enumerate(addresses):
        patience = deadline.remaining_to_start() / (len(addresses) - index)
        try:
            return socket.create_connection((address, port), patience)
        except OSError as error:
            failure = error
    raise failure


def _ask(host: str, port: int, answer: SimpleQueue[list[str] | OSError]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # UnicodeError: a name that no name server could be asked for
        answer.put(socket.gaierror(socket.EAI_NONAME, "no such host"))
    else:
        answer.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
