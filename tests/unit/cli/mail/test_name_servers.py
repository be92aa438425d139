"""Asking a real name server over loopback."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.resolver
import pytest

from drumbeat.cli.mail.name_servers import NameServers
from drumbeat.cli.mail.records import Answer

type Reply = Callable[[dns.message.Message], dns.message.Message | None]

LONG = "v=DKIM1; p=" + "A" * 700
RECORDS: dict[str, list[tuple[str, str]]] = {
    "acme.io.": [("TXT", '"v=spf1 include:mail" "gun.org ~all"'), ("TXT", '"second"')],
    "news.acme.io.": [("CNAME", "ACME.io."), ("TXT", '"v=spf1 ~all"')],
    "dead.acme.io.": [("CNAME", "gone.example.")],
    "circle.acme.io.": [("CNAME", "circle.acme.io.")],
    "long.acme.io.": [("TXT", " ".join(f'"{LONG[at : at + 255]}"' for at in range(0, len(LONG), 255)))] * 3,
    "bytes.acme.io.": [("TXT", '"\\255\\254"')],
}
CODES = {"broken.acme.io.": dns.rcode.SERVFAIL, "refused.acme.io.": dns.rcode.REFUSED}


def answer(query: dns.message.Message) -> dns.message.Message | None:
    """Answer as a resolver does; a name that begins with `silent` is not answered."""
    name = query.question[0].name.to_text().lower()
    if name.startswith("silent"):
        return None
    reply = dns.message.make_response(query, recursion_available=True)
    reply.set_rcode(
        CODES.get(name, dns.rcode.NOERROR if name in RECORDS or name.startswith("empty") else dns.rcode.NXDOMAIN)
    )
    owner = name
    for kind, text in RECORDS.get(name, []):
        found = reply.find_rrset(
            reply.answer, dns.name.from_text(owner), dns.rdataclass.IN, dns.rdatatype.from_text(kind), create=True
        )
        found.add(dns.rdata.from_text(dns.rdataclass.IN, kind, text), 60)
        owner = text if kind == "CNAME" else owner
    if name == "dead.acme.io.":
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply


def same_port() -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a listening TCP socket at one port: one that is free for both, found by trying."""
    while True:
        tcp = socket.create_server(("127.0.0.1", 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            udp.close()
            tcp.close()
        else:
            return udp, tcp


@contextmanager
def serving(reply: Reply = answer) -> Iterator[str]:
    """Serve DNS over UDP and TCP at one port of loopback, which is yielded as `address:port`."""
    udp, tcp = same_port()

    def datagrams() -> None:
        while True:
            try:
                wire, sender = udp.recvfrom(4096)
            except OSError:
                return
            if sender == udp.getsockname():
                return
            query = dns.message.from_wire(wire)
            if (made := reply(query)) is not None:
                if len(made.to_wire()) > 1232:
                    made = dns.message.make_response(query)
                    made.flags |= dns.flags.TC
                udp.sendto(made.to_wire(), sender)

    def streams() -> None:
        while True:
            connection, _ = tcp.accept()
            with connection:
                size = int.from_bytes(connection.recv(2))
                if not size:
                    return
                made = reply(dns.message.from_wire(connection.recv(size, socket.MSG_WAITALL)))
                assert made is not None
                connection.sendall(len(made.to_wire()).to_bytes(2) + made.to_wire())

    threads = [threading.Thread(target=each) for each in (datagrams, streams)]
    for thread in threads:
        thread.start()
    try:
        yield f"127.0.0.1:{udp.getsockname()[1]}"
    finally:
        udp.sendto(b"", udp.getsockname())
        socket.create_connection(tcp.getsockname()).close()
        for thread in threads:
            thread.join()
        udp.close()
        tcp.close()


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as at:
        yield at


def test_strings_of_one_record_are_one_text(server: str) -> None:
    found = NameServers(server).ask("acme.io")

    assert sorted(found.texts) == ["second", "v=spf1 include:mailgun.org ~all"]
    assert (found.alias, found.unknown) == (None, None)


@pytest.mark.parametrize("name", ["nothing.acme.io", "empty.acme.io"])
def test_no_name_and_no_record_are_both_none(server: str, name: str) -> None:
    assert NameServers(server).ask(name) == Answer()


def test_an_alias_is_followed_and_named(server: str) -> None:
    assert NameServers(server).ask("news.acme.io") == Answer(("v=spf1 ~all",), alias="acme.io")
    assert NameServers(server).ask("dead.acme.io") == Answer(alias="gone.example")


def test_a_long_answer_comes_over_tcp(server: str) -> None:
    assert NameServers(server).ask("long.acme.io").texts == (LONG,)


def test_a_record_that_is_no_text_is_shown_as_far_as_it_can_be(server: str) -> None:
    assert NameServers(server).ask("bytes.acme.io").texts == ("\ufffd\ufffd",)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("broken.acme.io", "SERVFAIL"),
        ("refused.acme.io", "REFUSED"),
        ("circle.acme.io", "its CNAMEs lead in a circle"),
        (f"{'a' * 64}.acme.io", "it cannot be asked for (LabelTooLong)"),
        (f"{'a.' * 150}acme.io", "it cannot be asked for (NameTooLong)"),
        ("a..acme.io", "it cannot be asked for (EmptyLabel)"),
    ],
)
def test_what_cannot_be_known_says_why(server: str, name: str, why: str) -> None:
    found = NameServers(server).ask(name)

    assert found.texts == ()
    assert found.unknown is not None and why in found.unknown


def test_silence_is_waited_for_twice_only() -> None:
    asked: list[str] = []

    def silent(query: dns.message.Message) -> None:
        asked.append(query.question[0].name.to_text())

    with serving(silent) as at:
        servers = NameServers(at, seconds=0.05)
        found = [servers.ask(name) for name in ("one.io", "two.io", "three.io", "one.io")]

    assert found[0].unknown == found[1].unknown == found[3].unknown == "no name server answered within 0.05 seconds"
    assert found[2].unknown == "it was not asked for: no name server answered before"
    assert set(asked) == {"one.io.", "two.io."}


def test_a_name_is_asked_for_once() -> None:
    asked: list[str] = []

    def counted(query: dns.message.Message) -> dns.message.Message | None:
        asked.append(query.question[0].name.to_text())
        return answer(query)

    with serving(counted) as at:
        servers = NameServers(at)
        first, second = servers.ask("acme.io"), servers.ask("acme.io")

    assert first == second
    assert asked == ["acme.io."]


def test_a_server_that_is_not_there_is_said() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]

    found = NameServers(f"127.0.0.1:{port}", seconds=0.2).ask("acme.io")

    assert found.unknown is not None


def test_a_machine_without_name_servers_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def unconfigured(self: dns.resolver.Resolver, _: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.resolver.Resolver, "read_resolv_conf", unconfigured)

    assert NameServers().ask("acme.io") == Answer(unknown="this machine names no name server (/etc/resolv.conf)")


@pytest.mark.parametrize("text", ["dns.google", "1.1.1", "1.1.1.1:0", "1.1.1.1:x", "[::1]:99999", "", "::1:53:x"])
def test_a_server_that_is_no_ip_address_is_refused(text: str) -> None:
    with pytest.raises(click.UsageError, match="IP address"):
        NameServers(text)


@pytest.mark.parametrize("text", ["1.1.1.1", "1.1.1.1:5353", "2606:4700::1111", "[2606:4700::1111]", "[::1]:5353"])
def test_a_server_may_be_given_with_its_port(text: str) -> None:
    NameServers(text)
