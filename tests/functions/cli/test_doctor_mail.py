"""`drumbeat doctor --mail` against the real functions and a real name server; no worker runs here."""

from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.functions.cli.test_cli import Run, run, services
from tests.unit.cli.mail.test_name_servers import serving

__all__ = ["run", "services"]

DOCUMENT = """
version: 1
accounts:
  mail: {provider: mailgun, settings: {domain: mg.acme.io, from: "Ada <ada@acme.io>"}, secrets: {api_key: env:MAIL}}
  news: {provider: resend, settings: {from: ada@acme.io}, secrets: {api_key: env:MAIL}}
flows: {}
"""
RECORDS = {
    "_dmarc.acme.io.": "v=DMARC1; p=none",
    "mg.acme.io.": "v=spf1 include:mailgun.org ~all",
    "mailgun.org.": "v=spf1 ip4:192.0.2.0/24 ~all",
}


def answer(query: dns.message.Message) -> dns.message.Message | None:
    name = query.question[0].name.to_text()
    made = dns.message.make_response(query)
    if name in RECORDS:
        made.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", f'"{RECORDS[name]}"'))
    else:
        made.set_rcode(dns.rcode.NXDOMAIN)
    return made


@pytest.fixture
def name_server() -> Iterator[str]:
    with serving(answer) as at:
        yield at


@pytest.fixture
def doctor(run: Run, tmp_path: Path, name_server: str) -> Run:
    file = tmp_path / "drumbeat.yaml"
    file.write_text(DOCUMENT)
    assert run("apply", str(tmp_path)).code == 0
    return lambda *options: run("doctor", "--within", "1", "--dns", name_server, *options)


def test_records_are_looked_up_and_a_mail_that_does_not_leave_is_said(doctor: Run) -> None:
    done = doctor("--mail", "bob@example.org", "--account", "mail", "--json")

    found = {each["name"]: (each["ok"], each["detail"]) for each in done.json["checks"]}
    assert done.code == 1
    assert found["SPF of mg.acme.io"] == (
        True,
        "v=spf1 include:mailgun.org ~all lets Mailgun send; 1 of 10 look-ups",
    )
    assert found["DMARC of acme.io"][0] and "p=none" in found["DMARC of acme.io"][1]
    assert found["DKIM of mg.acme.io"][1].startswith("not known: no key at the selectors")
    assert found["DMARC of acme.io counts"] == (True, "DKIM and SPF of this account count for it")
    assert found["mail by account mail (mailgun)"] == (False, "not sent after 1.0 s")


def test_the_domains_of_all_accounts_are_looked_up_and_a_mail_needs_one(doctor: Run) -> None:
    done = doctor("--mail", "bob@example.org")

    assert done.code == 1
    assert "FAIL DKIM of acme.io: there is no key at resend._domainkey.acme.io" in done.out
    assert done.out.count("DMARC of acme.io:") == 1
    assert "FAIL mail: " in done.out and "say which: --account mail or --account news" in done.out


def test_a_template_of_mails_to_a_list_is_sent_as_one(doctor: Run, run: Run, tmp_path: Path) -> None:
    lists = 'defaults: {public_url: "https://hooks.acme.io", postal_address: x}\nlists: {weekly: {title: Weekly}}\n'
    (tmp_path / "drumbeat.yaml").write_text(f"{DOCUMENT}{lists}")
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "note.txt").write_text("---\nsubject: Note\n---\n{{ list.title }} {{ unsubscribe_url }}")
    assert run("apply", str(tmp_path)).code == 0

    done = doctor("--mail", "bob@example.org", "--account", "mail", "--template", "note")

    assert "FAIL mail: note is for mails to a list; nothing was sent" in done.out
    assert "say which: --list weekly" in done.out
    assert "drumbeat:check" not in run("events").out


def test_a_selector_that_is_given_is_looked_up(doctor: Run) -> None:
    done = doctor("--mail", "bob@example.org", "--account", "mail", "--selector", "s9")

    assert "FAIL DKIM of mg.acme.io: there is no key at s9._domainkey.mg.acme.io" in done.out


def test_nothing_is_sent_with_a_key_that_may_not(doctor: Run, run: Run) -> None:
    done = doctor("--mail", "bob@example.org", "--key", "drumbeat.no.good.key")

    assert done.code == 1
    assert "SPF" not in done.out and "mail by account" not in done.out
    assert "drumbeat:check" not in run("events").out
