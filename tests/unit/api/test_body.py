"""A body is read as strictly as JSON allows: nothing is taken for what it is not."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from drumbeat.api import doctor, effects, erasure, keys, lead_imports, parked, rebuilding
from drumbeat.api.body import Keyed, body
from drumbeat.core.errors import Invalid

ID = "6f1ed002-ab55-4f29-a1b0-d1f0b3f5f0a1"
SEEN = "2026-11-30T09:00:00Z"
MANY = {"reason": "so", "seenAt": SEEN, "decision": "drop"}
ROWS = {"file": "ab" * 32, "rows": [{"row": 1, "fields": {}}]}


def read(model: type[BaseModel], said: object) -> Any:
    return body({"headers": {}, "body": json.dumps(said)}, model)


@pytest.mark.parametrize(
    ("model", "said", "wrong"),
    [
        (effects.ResolveMany, {**MANY, "seenAt": 1796030000}, "seenAt"),
        (effects.ResolveMany, {**MANY, "seenAt": "2026-11-30T09:00:00"}, "seenAt"),  # of which zone
        (effects.ResolveMany, {**MANY, "event": 1}, "event"),
        (effects.ResolveOne, {"reason": "so", "decision": "drop", "version": "1"}, "version"),
        (effects.ResolveOne, {"reason": "so", "decision": "drop", "version": True}, "version"),
        (effects.RedriveOne, {"reason": "so", "version": 1, "evenIfSent": "yes"}, "evenIfSent"),
        (rebuilding.Chunk, {"check": 1}, "check"),
        (erasure.Erasure, {"email": "ada@example.com", "dryRun": "true"}, "dryRun"),
        (parked.Decision, {"decision": "release", "reason": 1}, "reason"),
        (lead_imports.Chunk, {**ROWS, "mode": 1}, "mode"),
        (keys.NewKey, {"name": "new", "scopes": "read"}, "scopes"),
        (doctor.MailRequest, {"to": 1}, "to"),
    ],
)
def test_what_is_of_another_type_is_refused_by_its_name(model: type[BaseModel], said: object, wrong: str) -> None:
    with pytest.raises(Invalid, match=f"^{wrong}: .*nothing was changed"):
        read(model, said)


def test_ids_instants_and_words_are_texts() -> None:
    many = read(effects.ResolveMany, {**MANY, "event": ID})
    chunk = read(lead_imports.Chunk, {**ROWS, "mode": "given"})

    assert (str(many.event), many.seen_at.isoformat(), many.decision) == (ID, "2026-11-30T09:00:00+00:00", "drop")
    assert chunk.mode.value == "given"


def test_the_key_comes_with_the_header_or_in_the_body() -> None:
    header = {"headers": {"idempotency-key": "one"}}

    assert Keyed().key(header) == Keyed(idempotencyKey="one").key({"headers": {}}) == "one"
    with pytest.raises(Invalid, match="differ"):
        Keyed(idempotencyKey="two").key(header)
    with pytest.raises(Invalid, match="idempotencyKey is missing"):
        Keyed().key({"headers": {}})
