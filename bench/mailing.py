"""One mailing to many people who are known already: a run of a campaign, and what comes next to it at the peers.

    python -m bench.mailing [--mails 20000] [--system drumbeat]

The people are put in by SQL before the clock starts; it runs from the request for the mailing to the last status that
is stored. What a peer sends is its lead as it is; a run fills its mail for each person, with their own link to leave.
"""

import argparse
import json
import os
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import psycopg

from bench import report
from bench.lead import lead, lead_body
from bench.ours import DATABASE, Drumbeat
from bench.peers import BIN, Celery, Peer, Procrastinate
from bench.phases import FAST, TAIL_SECONDS, Figures, Size, spent
from bench.servers import Servers, environment
from bench.system import System
from drumbeat.core.address import contact_key
from drumbeat.infrastructure.settings import Settings
from drumbeat.local.home import Home
from drumbeat.services import Services

WARM = 200  # mails
WORKERS = 3  # a run leaves one for what people cause
LIMIT_SECONDS = 300.0
POLL_SECONDS = 0.5

_HEAD = """\
version: 1
defaults: {{public_url: "https://mail.example.com", postal_address: "Example Ltd, 1 Example Street, Berlin"}}
accounts:
  mail:
    provider: resend
    settings: {{from: "Ada <ada@example.com>", base_url: "http://127.0.0.1:{port}"}}
    secrets: {{api_key: env:BENCH_API_KEY}}
lists:
  news: {{title: News}}
audiences:
  warm: {{field: wave, is: warm}}
  letter: {{field: wave, is: letter}}
campaigns:
"""
_CAMPAIGN = """\
  NAME:
    audience: NAME
    steps:
      - id: mail
        account: mail
        action: send_email
        with:
          to: "{{{{ lead.email }}}}"
          list: news
          subject: "News for {{{{ lead.name }}}}"
          text: |
            Hello {{{{ lead.name }}}} at {{{{ lead.company }}}}, {{{{ lead.message }}}}
            {{{{ unsubscribe_url }}}}
            {{{{ postal_address }}}}
"""
CONFIG = _HEAD + "".join(_CAMPAIGN.replace("NAME", wave) for wave in ("warm", "letter"))
_PEOPLE = """
    WITH people AS (
        SELECT * FROM unnest(%(keys)s::bytea[], %(addresses)s::text[], %(attributes)s::jsonb[])
                   AS p (key, address, attributes)
    ), agreed AS (
        INSERT INTO contacts (key, consents)
        SELECT key, consent_fact('news', 'given', true, drumbeat_now(), gen_random_uuid()) FROM people
    )
    INSERT INTO leads (contact, address, attributes, refused, since, changed)
    SELECT key, jsonb_build_object('v', address, 't', 1, 'e', gen_random_uuid()), attributes, '{}', drumbeat_now(),
           drumbeat_now()
      FROM people
"""
_BYTES = """
    SELECT sum(pg_total_relation_size(oid))::float8
      FROM pg_class
     WHERE relnamespace = 'public'::regnamespace
       AND relname IN ('recipients', 'effects', 'journal', 'requests', 'attempts', 'outcomes', 'uncounted')
"""


class Mailer(System, Protocol):
    """A system that can be asked for one mailing to people that it knows."""

    def people(self, ids: Sequence[str]) -> None:
        """Put people in: the wave that each is in stands before the dash of their id."""
        ...

    def ask(self, wave: str) -> float:
        """Ask for a mail to each of them; return the CPU seconds of a program that does it, where it takes one."""
        ...

    def bytes(self) -> float | None:
        """Return how much it keeps of mailings; None: not asked."""
        ...


class Runs(Drumbeat):
    """A campaign with an audience, asked for by the API."""

    def __init__(self, servers: Servers) -> None:
        super().__init__(servers, CONFIG, workers=WORKERS)
        secret = Home(self._home).secret()
        url = servers.postgres.url(DATABASE)
        self._secret = Services(Settings.from_env({"DATABASE_URL": url, "DRUMBEAT_SECRET": secret})).contact_secret
        self._url = url

    def people(self, ids: Sequence[str]) -> None:
        """Put leads in, who agreed to the list, as an import leaves them."""
        leads = [lead(id) | {"wave": id.partition("-")[0]} for id in ids]
        entries = [{name: {"v": value, "t": 1, "e": "bench"} for name, value in one.items()} for one in leads]
        parameters = {
            "keys": [contact_key(self._secret, one["email"]) for one in leads],
            "addresses": [one["email"] for one in leads],
            "attributes": [json.dumps(each) for each in entries],
        }
        with psycopg.connect(self._url, autocommit=True) as owner:
            owner.execute(_PEOPLE, parameters)
            owner.execute("VACUUM ANALYZE")

    def ask(self, wave: str) -> float:
        """Ask for a run."""
        headers = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": "bench"}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/v1/campaigns/{wave}/runs", b"", headers, method="POST"
        )
        with urllib.request.urlopen(request, timeout=30):
            return 0.0

    def bytes(self) -> float:
        """Return the size of what a run is kept in, its requests included."""
        return float(self._servers.query(DATABASE, _BYTES)[0])


class Group(Celery):
    """A group of tasks, a mail each."""

    def people(self, ids: Sequence[str]) -> None:
        """Put leads in."""
        put_in(self, ids)

    def ask(self, wave: str) -> float:
        """Queue the group."""
        return queue_all(self, wave)

    def bytes(self) -> None:
        """Say nothing."""


class Batch(Procrastinate):
    """A batch of jobs, a mail each."""

    def people(self, ids: Sequence[str]) -> None:
        """Put leads in."""
        put_in(self, ids)

    def ask(self, wave: str) -> float:
        """Queue the batch."""
        return queue_all(self, wave)

    def bytes(self) -> None:
        """Say nothing."""


def put_in(peer: Peer, ids: Sequence[str]) -> None:
    """Put leads into a peer's table."""
    with psycopg.connect(peer.database_url, autocommit=True) as owner, owner.cursor() as cursor:
        with cursor.copy("COPY leads (id, payload) FROM STDIN") as copy:
            for id in ids:
                copy.write_row((id, lead_body(id)))
        owner.execute("VACUUM ANALYZE leads")


def queue_all(peer: Peer, wave: str) -> float:
    """Let a program queue a mail for each lead; return its CPU seconds."""
    program = f"import sys, time, {peer.name}_app; {peer.name}_app.send_all(sys.argv[1]); print(time.process_time())"
    command = [str(BIN / "python"), "-c", program, f"{wave}-"]
    done = subprocess.run(command, env=peer.environment, check=True, capture_output=True, text=True)
    return float(done.stdout)


MAILERS: Mapping[str, Callable[[Servers], Mailer]] = {"drumbeat": Runs, "celery": Group, "procrastinate": Batch}


def mailing(system: Mailer, wave: str, mails: int) -> Figures:
    """Put people in, ask for a mail to each, and wait until all are stored as sent."""
    ids = [f"{wave}-{number:06d}" for number in range(mails)]
    system.people(ids)
    system.witness.begin(latency=FAST)
    stored, before, size = system.stored(), system.cpu(), system.bytes()
    began = time.time()
    asking = system.ask(wave)
    asked = time.time()
    until = time.monotonic() + LIMIT_SECONDS
    while (done := system.stored() - stored) < mails and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    time.sleep(TAIL_SECONDS)
    after = system.cpu()
    seen = system.witness.sightings()
    return {
        "mails/s": done / (system.last_stored() - began),
        "asked s": asked - began,
        "CPU-s/1,000": spent({**before, "asking": 0.0}, {**after, "asking": asking}, mails),
        "bytes a mail": None if size is None else ((system.bytes() or 0.0) - size) / mails,
        "wrong": mails - done + sum(id not in seen or seen[id].accepted != 1 for id in ids),
    }


def measured(name: str, servers: Servers, mails: int) -> Figures:
    """Start a system, warm it up, and measure it."""
    system = MAILERS[name](servers)
    try:
        mailing(system, "warm", WARM)
        return mailing(system, "letter", mails)
    finally:
        system.stop()


def main() -> None:
    """Run each system once, print its figures."""
    parser = argparse.ArgumentParser(prog="bench.mailing")
    parser.add_argument("--mails", type=int, default=Size().mails)
    parser.add_argument("--system", action="append", choices=list(MAILERS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="drumbeat-bench-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # Postgres runs as a user of its own
        for name in options.system or MAILERS:
            with Servers(Path(folder) / name, environment()) as servers:
                figures = measured(name, servers, options.mails)
            print(f"load {os.getloadavg()[0]:.1f}; {name}: {report.brief(figures)}", flush=True)


if __name__ == "__main__":
    main()
