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

from drumbeat.infrastructure.sqs.signature import Credentials, sign

NOW = datetime(2026, 11, 22, 12, 30, 15, tzinfo=UTC)
HEADERS = {"host": "sqs.eu-central-1.amazonaws.com", "content-type": "application/x-amz-json-1.0"}


def botocores(body: bytes, token: str | None) -> str:
    request = AWSRequest("POST", f"https://{HEADERS['host']}/", data=body, headers=HEADERS)
    with patch.object(botocore.auth, "get_current_datetime", return_value=NOW.replace(tzinfo=None)):
        SigV4Auth(BotoCredentials("AKID", "secret", token), "sqs", "eu-central-1").add_auth(request)
    return str(request.headers["Authorization"])


@pytest.mark.parametrize("token", [None, "session-token"])
@given(body=st.binary(max_size=200))
def test_a_request_is_signed_as_botocore_signs_it(token: str | None, body: bytes) -> None:
    credentials = Credentials("AKID", "secret", token)

    signed = sign(HEADERS, body, credentials, service="sqs", region="eu-central-1", now=NOW)

    assert signed["authorization"] == botocores(body, token)
