"""What a mail server's answer says of an address, and what of the mail."""

import pytest

from drumbeat.core.feedback import Kind
from drumbeat.providers.words.smtp import refused_by_server


@pytest.mark.parametrize(
    ("said", "code", "kind"),
    [
        ("5.1.1 The email account that you tried to reach does not exist", 550, Kind.BOUNCED),
        ("550 5.1.10 RESOLVER.ADR.RecipientNotFound", 550, Kind.BOUNCED),
        ("550-5.2.1 The email account that you tried to reach is disabled", 550, Kind.BOUNCED),
        ("552 5.2.2 mailbox full", 552, Kind.SOFT_BOUNCED),
        ("552-5.3.4 message size exceeds fixed limit", 552, Kind.BLOCKED),
        ("552 too large", 552, Kind.BLOCKED),
        ("5.6.0 content rejected", 554, Kind.BLOCKED),
        ("5.7.26 unauthenticated mail is not accepted", 550, Kind.BLOCKED),
        ("5.1.8 bad sender's system address", 550, Kind.BLOCKED),
        ("5.4.1 no answer from host", 550, None),
        ("no such user", 550, None),
        ("rejected from 203.0.113.5.1.1", 550, None),
        ("", None, None),
    ],
)
def test_a_code_says_what_was_refused(said: str, code: int | None, kind: Kind | None) -> None:
    assert refused_by_server(said, code) is kind
