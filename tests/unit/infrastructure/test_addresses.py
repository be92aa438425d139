import socket
import threading

import pytest

from drumbeat.infrastructure.addresses import is_public, resolve


@pytest.mark.parametrize(
    "address",
    ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"],
)
def test_the_open_internet_may_be_called(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0", "10.1.2.3", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.9.9.9", "169.254.169.254",
        "168.63.129.16", "172.16.0.1", "192.168.1.1", "192.0.2.1", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "::", "::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:7f00:1::", "2001:0:1::1",
    ],
)  # fmt: skip
def test_private_local_and_metadata_addresses_may_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("name", ["localhost", "127.1", "2130706433", "0x7f000001"])
def test_every_spelling_of_the_loopback_ends_in_an_address_that_can_be_judged(name: str) -> None:
    assert not any(map(is_public, resolve(name, 80, 5.0)))


@pytest.mark.point(36)
@pytest.mark.parametrize("name", ["a" * 64 + ".test", "..", "x\0y"])
def test_a_name_that_cannot_exist_is_not_found(name: str) -> None:
    with pytest.raises(socket.gaierror):
        resolve(name, 80, 5.0)


@pytest.mark.point(36)
def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*args: object, **options: object) -> list[object]:
        over.wait()
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)

    with pytest.raises(TimeoutError):
        resolve("slow.test", 80, 0.05)
    over.set()
