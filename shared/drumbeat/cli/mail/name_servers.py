"""Asks name servers for TXT records, by dnspython."""

import re
from ipaddress import ip_address

import click
import dns.exception
import dns.message
import dns.nameserver
import dns.rdatatype
import dns.resolver

from drumbeat.cli.mail.records import Answer

SECONDS = 5.0  # for one name, all servers and repeats together
MOST_TIMEOUTS = 2  # then the others are not waited for
UDP_BYTES = 1232  # of an answer; a longer one comes over TCP

_ADDRESS = re.compile(r"(?:\[([^]]*)\]|([0-9.]+))(?::(\d+))?|(.*)", re.DOTALL)  # [IPv6]:port, IPv4:port, or an IPv6


class NameServers:
    """The name servers of this machine, or the one that was named. Asks about each name once."""

    def __init__(self, server: str | None = None, *, seconds: float = SECONDS) -> None:
        """Raises click.UsageError when `server` is not an IP address, with or without a port."""
        self._answers: dict[str, Answer] = {}
        self._timeouts = 0
        self._seconds = seconds
        self._unknown: str | None = None
        try:
            self._resolver = dns.resolver.Resolver(configure=server is None)
        except dns.resolver.NoResolverConfiguration:
            self._resolver = dns.resolver.Resolver(configure=False)
            self._unknown = "this machine names no name server (/etc/resolv.conf)"
        if server is not None:
            self._resolver.nameservers = [_server(server)]
        self._resolver.use_edns(0, 0, UDP_BYTES)

    def ask(self, name: str) -> Answer:
        """Return the TXT records of a name. Raises nothing: what cannot be known says why."""
        if name not in self._answers:
            self._answers[name] = Answer(unknown=self._unknown) if self._unknown else self._ask(name)
        return self._answers[name]

    def _ask(self, name: str) -> Answer:
        if self._timeouts >= MOST_TIMEOUTS:
            return Answer(unknown="it was not asked for: no name server answered before")
        try:
            answer = self._resolver.resolve(
                f"{name}.", dns.rdatatype.TXT, lifetime=self._seconds, raise_on_no_answer=False
            )
        except dns.resolver.NXDOMAIN as error:
            return Answer(alias=_alias(name, error.canonical_name.to_text()))
        except dns.exception.Timeout:
            self._timeouts += 1
            return Answer(unknown=f"no name server answered within {self._seconds:g} seconds")
        except dns.resolver.NoNameservers as error:
            return Answer(unknown=_failed(error))
        except dns.exception.DNSException as error:  # such as a name that is too long
            return Answer(unknown=f"it cannot be asked for ({type(error).__name__})")
        self._timeouts = 0
        texts = (
            () if answer.rrset is None else tuple(b"".join(each.strings).decode(errors="replace") for each in answer)
        )
        return Answer(texts, _alias(name, answer.canonical_name.to_text()))


def _alias(asked: str, canonical: str) -> str | None:
    """Return where CNAMEs lead, if there are any."""
    name = canonical.rstrip(".").lower()
    return None if name == asked.lower() else name


def _failed(error: dns.resolver.NoNameservers) -> str:
    reasons = [entry[3] for entry in error.kwargs.get("errors", ())]
    if any(isinstance(reason, dns.message.ChainTooLong) for reason in reasons):
        return "its CNAMEs lead in a circle"
    if any(isinstance(reason, OSError) for reason in reasons):
        return "no name server can be reached"
    said = ", ".join(sorted({str(reason) for reason in reasons if isinstance(reason, str)})) or "no usable answer"
    return f"the name servers answer {said}: often a fault at the domain's own, such as DNSSEC or CNAMEs in a circle"


def _server(text: str) -> dns.nameserver.Do53Nameserver:
    try:
        match = _ADDRESS.fullmatch(text)
        assert match is not None
        bracketed, version_4, port, bare = match.groups()
        number = int(port or 53)
        if not 0 < number < 65_536:
            raise ValueError
        return dns.nameserver.Do53Nameserver(str(ip_address(bracketed or version_4 or bare)), number)
    except ValueError:
        raise click.UsageError(f"--dns takes the IP address of a name server, such as 1.1.1.1, not {text!r}") from None
