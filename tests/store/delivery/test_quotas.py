"""A vendor's quota holds back what its account would send too fast."""

import json

from drumbeat.configuration.document import compile_document
from drumbeat.ledger import configs
from drumbeat.providers.calls import Calls
from tests.store.delivery.workers import Worker
from tests.store.rows import as_json, recorded
from tests.unit.infrastructure.peer import Peer, Talk

DOCUMENT = """
version: 1
accounts:
  news:
    provider: ses
    settings: {{region: eu-central-1, from: ada@example.com, configuration_set: drumbeat, base_url: "{url}"}}
    secrets: {{access_key_id: "env:SIGNING_KEY", secret_access_key: "env:SIGNING_KEY"}}
flows:
  welcome:
    on: LEAD_CAPTURE
    steps:
      - {{id: hello, account: news, action: send_email, with: {{to: "{{{{ payload.email }}}}", subject: Hi, text: Hi}}}}
"""


def _script(talk: Talk) -> None:
    while (request := talk.hear()) is not None:
        quota = {"SendQuota": {"MaxSendRate": 3.0, "Max24HourSend": -1.0}}
        body = json.dumps(quota if request.startswith(b"GET") else {"MessageId": "0102"}).encode()
        talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))


def test_no_more_is_sent_at_once_than_the_quota_lets_through(worker: Worker) -> None:
    with Peer(_script) as peer:
        compiled = compile_document(DOCUMENT.format(url=peer.url), {})
        configs.insert(worker.db, hash=b"2", document="", templates={}, compiled=compiled, identities={}, actor="test")
        calls = Calls(worker.http, worker.clock)
        worker.calls = calls  # type: ignore[assignment]
        bodies = [as_json({"type": "LEAD_CAPTURE", "payload": {"email": f"p{n}@example.org"}}) for n in range(9)]

        done = worker.deliver(events=[recorded(worker.db, body=body) for body in bodies])
        worker.http.close()

    assert sum(request.startswith(b"POST") for request in peer.requests) == done.counts["accepted"]
    assert 3 <= done.counts["accepted"] < 9
    assert sum(request.startswith(b"GET") for request in peer.requests) == 1
