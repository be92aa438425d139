"""Which servers may be called without TLS: this machine's, and under `drumbeat dev` those of its own network."""

import ipaddress

from drumbeat.infrastructure.addresses import is_public

_OWN_NETWORK = (".localhost", ".local", ".internal")


def may_be_plain(host: str, *, local: bool) -> bool:
    """Return whether passwords and ids may travel there unencrypted.

    `local`: under `drumbeat dev`, where a server may be a container beside the stack: a private address, or a name
    that no public name server knows.
    """
    if not host or host == "localhost" or host.startswith(("/", "@")):  # the last two are Unix sockets
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return local and ("." not in host or host.lower().endswith(_OWN_NETWORK))
    return address.is_loopback or (local and not is_public(host))
