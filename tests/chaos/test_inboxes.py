"""Inboxes hold what providers accepted, with what its links name, and nothing of a line that is being written."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from drumbeat.core import ids
from tests.chaos.inboxes import Inboxes

EMAIL = "ada@people.example.com"
ASKING, MAIL = ids.derive("asking"), ids.derive("mail")


def test_mails_that_ask_are_found_by_their_id_and_others_by_their_list(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    asking = {"text": f"http://127.0.0.1:1/c/{_token('c', ASKING)}\n"}
    headers = {
        "List-Unsubscribe": f"<http://127.0.0.1:1/u/{_token('u', MAIL)}>",
        "List-Id": "Letter <letter.127.0.0.1>",
    }
    lines = [_line(asking), _line({"headers": headers, "text": "Hello"}), _line({"text": "Welcome"})]
    inboxes = Inboxes(record)

    record.write_text(lines[0] + lines[1][:-9])
    early = len(inboxes.mails())
    record.write_text("".join(lines))

    assert early == 1
    assert inboxes.asking(ASKING) is not None
    assert inboxes.asking(MAIL) is None
    assert [mail.id for mail in inboxes.of(EMAIL, "letter")] == [MAIL]
    assert len(inboxes.mails()) == 2


def test_what_a_provider_refused_or_had_done_before_is_no_mail(tmp_path: Path) -> None:
    record = tmp_path / "record.jsonl"
    asking = {"text": f"http://127.0.0.1:1/c/{_token('c', ASKING)}"}
    record.write_text(_line(asking, did="refused") + _line(asking, did="replayed"))

    assert list(Inboxes(record).mails()) == []


def _token(kind: str, mail: UUID) -> str:
    raw = kind.encode() + bytes(4) + mail.bytes + bytes(16)
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _line(asked: Mapping[str, object], did: str = "accepted") -> str:
    return json.dumps({"provider": "resend", "did": did, "to": [EMAIL], "real": 1.0, "asked": asked}) + "\n"
