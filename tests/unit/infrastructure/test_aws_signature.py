"""The same signature as botocore's, for whatever is signed."""

from datetime import UTC, datetime
from unittest.mock import patch

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.infrastructure.aws_signature import Credentials, sign

NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
HEADERS = {"host": "email.eu-central-1.amazonaws.com", "content-type": "application/json"}


def botocores(
    body: bytes,
    token: str | None,
    *,
    method: str = "POST",
    target: str = "/",
    service: str = "sqs",
    headers: dict[str, str] = HEADERS,
) -> str:
    request = AWSRequest(method, f"https://{headers['host']}{target}", data=body, headers=headers)
    with patch.object(botocore.auth, "get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        SigV4Auth(BotoCredentials("AKID", "secret", token), service, "eu-central-1").add_auth(request)
    return str(request.headers["Authorization"])


@pytest.mark.parametrize("token", [None, "session-token"])
@given(body=st.binary(max_size=200))
def test_a_request_is_signed_as_botocore_signs_it(token: str | None, body: bytes) -> None:
    credentials = Credentials("AKID", "secret", token)

    signed = sign(HEADERS, body, credentials, service="sqs", region="eu-central-1", now=NOW)

    assert signed["authorization"] == botocores(body, token)


@pytest.mark.parametrize(
    "target",
    [
        "/v2/email/outbound-emails",
        "/v2/email/account",
        "/v2/email/identities/ada%40example.com",  # encoded once more where it is signed
        "/v2/email/identities/a%20b+c~d_e.f-g",
        "/v2/email/suppression/addresses?PageSize=100&NextToken=a%2Fb%3D",
        "/v2/email/suppression/addresses?Reason=COMPLAINT&Reason=BOUNCE&StartDate=1",
        "/v2/email/suppression/addresses?b&a=",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_method_path_and_query_are_signed_as_botocore_signs_them(method: str, target: str) -> None:
    path, _, query = target.partition("?")
    credentials = Credentials("AKID", "secret")

    signed = sign(
        HEADERS,
        b"{}",
        credentials,
        service="ses",
        region="eu-central-1",
        now=NOW,
        method=method,
        path=path,
        query=query,
    )

    assert signed["authorization"] == botocores(b"{}", None, method=method, target=target, service="ses")


def test_blanks_in_a_header_are_signed_as_botocore_signs_them() -> None:
    headers = HEADERS | {"x-note": "  two   words "}

    signed = sign(headers, b"", Credentials("AKID", "secret"), service="ses", region="eu-central-1", now=NOW)

    assert signed["authorization"] == botocores(b"", None, service="ses", headers=headers)
