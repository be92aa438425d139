"""Where a queue is called, and the TLS of the connection to it."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from drumbeat.infrastructure import tls
from drumbeat.infrastructure.aws_signature import Credentials
from drumbeat.infrastructure.sqs.client import Sqs, SqsError
from drumbeat.infrastructure.sqs.connection import address_of
from tests.unit.infrastructure.certificates import certificate
from tests.unit.infrastructure.sqs_peer import StoppedClock, answer, peer


@pytest.fixture
def sqs() -> Iterator[Sqs]:
    client = Sqs("us-east-1", None, Credentials("AKID", "secret"), clock=StoppedClock())
    yield client
    client.close()


@pytest.mark.parametrize(
    ("url", "host", "region"),
    [
        ("https://sqs.eu-central-1.amazonaws.com/1/q", "sqs.eu-central-1.amazonaws.com", "eu-central-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/1/q", "sqs.cn-north-1.amazonaws.com.cn", "cn-north-1"),
        ("https://sqs.eusc-de-east-1.amazonaws.eu/1/q", "sqs.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"),
        ("https://sqs.us-gov-west-1.amazonaws.com/1/q", "sqs.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
        ("https://sqs-fips.us-east-2.amazonaws.com/1/q", "sqs-fips.us-east-2.amazonaws.com", "us-east-2"),
        ("https://sqs.us-west-2.api.aws/1/q", "sqs.us-west-2.api.aws", "us-west-2"),
        (
            "https://vpce-0a1b-2c.sqs.ap-south-1.vpce.amazonaws.com/1/q",
            "vpce-0a1b-2c.sqs.ap-south-1.vpce.amazonaws.com",
            "ap-south-1",
        ),
        ("https://eu-west-1.queue.amazonaws.com/1/q", "eu-west-1.queue.amazonaws.com", "eu-west-1"),
        ("https://queue.amazonaws.com/1/q", "queue.amazonaws.com", None),
        ("http://localhost:4566/1/q", "localhost", None),
        (
            "http://sqs.us-east-1.localhost.localstack.cloud:4566/1/q",
            "sqs.us-east-1.localhost.localstack.cloud",
            "us-east-1",
        ),
    ],
)
def test_host_and_region_are_the_queues_own(url: str, host: str, region: str | None) -> None:
    address = address_of(url)

    assert address is not None
    assert (address.host, address.region) == (host, region)


@pytest.fixture
def own(tmp_path: Path) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that only its own file vouches for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path / "own.pem", "localhost"))
    return context


def test_tls_is_spoken_and_the_connection_kept(
    sqs: Sqs, own: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting = ssl.create_default_context(cafile=tmp_path / "own.pem")
    monkeypatch.setattr(tls, "context", lambda: trusting)
    with peer(answer(), answer(), tls=own) as other:
        for _ in range(2):
            sqs.call("SendMessage", QueueUrl=other.queue, MessageBody="x")
        sqs.close()

    assert [one.connection for one in other.received] == [0, 0]


def test_a_certificate_that_no_authority_vouches_for_is_refused(sqs: Sqs, own: ssl.SSLContext) -> None:
    with peer(tls=own) as other, pytest.raises(SqsError, match=r"Unreachable.*certificate verify failed"):
        sqs.call("SendMessage", QueueUrl=other.queue, MessageBody="x")

    assert other.received == []


def test_the_trust_store_is_read_once() -> None:
    assert tls.context() is tls.context()
