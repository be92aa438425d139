"""SPF, read from literal records."""

import pytest

from drumbeat.cli.mail.spf import check_spf
from tests.unit.cli.mail.zone import AWAY, Zone, zone

MAILGUN = {
    "mailgun.org": "v=spf1 include:_spf.mailgun.org include:_spf.eu.mailgun.org ~all",
    "_spf.mailgun.org": "v=spf1 ip4:209.61.151.0/24 ip4:166.78.68.0/22 ~all",
    "_spf.eu.mailgun.org": "v=spf1 ip4:141.193.32.0/23 ip6:2600:1f18::/32 ~all",
}


def checked(*records: str, **more: str) -> tuple[bool, str, str | None]:
    each = check_spf("mg.acme.io", "Mailgun", "mailgun.org", zone({**MAILGUN, **more, "mg.acme.io": records}))
    assert each["name"] == "SPF of mg.acme.io"
    return each["ok"], each["detail"], each["fix"]


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 include:mailgun.org ~all",
        "V=SPF1 Include:MailGun.org. -ALL",
        "v=spf1 +include:mailgun.org",
        "v=spf1 a:mail.acme.io/24 mx ip4:192.0.2.1 ip6:2001:db8::1 exists:%{i}.acme.io include:mailgun.org ?all",
        "v=spf1 redirect=mailgun.org",
        "v=spf1 include:mailgun.org exp=why.acme.io future=%{d} ~all",
    ],
)
def test_a_record_that_lets_the_vendor_send_is_good(record: str) -> None:
    ok, detail, fix = checked(record, "google-site-verification=x")

    assert (ok, fix) == (True, None)
    assert "lets Mailgun send" in detail


def test_look_ups_are_counted_with_those_of_what_is_included() -> None:
    assert "; 5 of 10 look-ups" in checked("v=spf1 a mx include:mailgun.org ~all")[1]


def test_the_vendor_may_be_included_by_another_record() -> None:
    ok, *_ = checked("v=spf1 include:spf.acme.io ~all", **{"spf.acme.io": "v=spf1 include:mailgun.org -all"})

    assert ok


@pytest.mark.parametrize(
    "record",
    [
        "v=spf1 -all",
        "v=spf1 include:_spf.google.com ~all",
        "v=spf1 ~all include:mailgun.org",  # what follows `all` is not read
        "v=spf1 ~all redirect=mailgun.org",
        "v=spf1 -include:mailgun.org ~all",
        "v=spf1 ?include:mailgun.org ~all",
    ],
)
def test_a_record_that_does_not_let_the_vendor_send_is_written_again_with_it(record: str) -> None:
    ok, detail, fix = checked(record, **{"_spf.google.com": "v=spf1 ip4:192.0.2.0/24 ~all"})

    assert not ok
    assert detail == f"{record} does not let Mailgun send"
    assert fix is not None
    written = fix.split('"')[1]
    assert checked(written, **{"_spf.google.com": "v=spf1 ip4:192.0.2.0/24 ~all"})[0], written


def test_without_a_record_the_one_to_add_is_said_with_the_reason() -> None:
    ok, detail, fix = checked("google-site-verification=x")

    assert (ok, detail) == (False, "there is none")
    assert fix is not None
    assert 'TXT record at mg.acme.io: "v=spf1 include:mailgun.org ~all"' in fix
    assert "Gmail" in fix


@pytest.mark.parametrize(
    "text", ["v=spf1include:mailgun.org", "spf1 include:mailgun.org", "v=spf2.0/pra ?all", " v=spf1"]
)
def test_a_text_that_only_looks_like_spf_is_shown(text: str) -> None:
    ok, detail, _ = checked(text)

    assert not ok
    assert detail.endswith(text)
    assert "does not begin with v=spf1" in detail


def test_two_records_are_a_fault_even_when_one_is_good() -> None:
    ok, detail, fix = checked("v=spf1 include:mailgun.org ~all", "v=spf1 mx -all")

    assert not ok
    assert "there are 2, so receivers count SPF as failed" in detail
    assert fix is not None and "keep one" in fix


@pytest.mark.parametrize(
    ("record", "named"),
    [
        ("v=spf1 incldue:mailgun.org ~all", "incldue:mailgun.org"),
        ("v=spf1 ip4:192.0.2.300 include:mailgun.org ~all", "ip4:192.0.2.300"),
        ("v=spf1 ip6:192.0.2.3 include:mailgun.org ~all", "ip6:192.0.2.3"),
        ("v=spf1 192.0.2.3 include:mailgun.org ~all", "192.0.2.3"),
        ("v=spf1 include: include:mailgun.org ~all", "include:"),
        ("v=spf1 include:nothing.acme.io include:mailgun.org ~all", "include:nothing.acme.io leads to no SPF records"),
        ("v=spf1 include:mg.acme.io include:mailgun.org ~all", "include:mg.acme.io leads back to itself"),
    ],
)
def test_a_term_that_makes_the_whole_record_fail_is_named(record: str, named: str) -> None:
    ok, detail, _ = checked(record)

    assert not ok
    assert detail.startswith(f"{record}: {named}")
    assert "permerror" in detail


def test_more_than_ten_look_ups_fail_when_the_vendor_comes_behind_them() -> None:
    ok, detail, fix = checked(f"v=spf1 {' '.join(f'a:h{n}.acme.io' for n in range(9))} include:mailgun.org ~all")

    assert not ok
    assert "more than 10 look-ups" in detail
    assert fix is not None and "to the front" in fix


def test_more_than_ten_look_ups_are_noted_when_the_vendor_comes_before() -> None:
    ok, detail, fix = checked(f"v=spf1 include:mailgun.org {' '.join(f'a:h{n}.acme.io' for n in range(9))} ~all")

    assert ok
    assert "more than 10 look-ups" in detail
    assert fix is not None


def test_a_chain_without_end_is_not_followed() -> None:
    chain = {f"s{n}.acme.io": f"v=spf1 include:s{n + 1}.acme.io ~all" for n in range(100)}
    server = Zone({**chain, "mg.acme.io": "v=spf1 include:s0.acme.io include:mailgun.org ~all"})

    assert not check_spf("mg.acme.io", "Mailgun", "mailgun.org", server.ask)["ok"]
    assert len(server.asked) == 11


def test_a_record_for_everyone_is_a_fault() -> None:
    ok, detail, _ = checked("v=spf1 include:mailgun.org +all")

    assert not ok
    assert "everyone" in detail


def test_what_name_servers_do_not_answer_is_not_called_missing() -> None:
    silent = check_spf("mg.acme.io", "Mailgun", "mailgun.org", zone({"mg.acme.io": AWAY}))
    behind = check_spf(
        "mg.acme.io", "Mailgun", "mailgun.org", zone({"mg.acme.io": "v=spf1 include:x.io ~all", "x.io": AWAY})
    )

    assert silent["ok"] and silent["detail"].startswith("not known: mg.acme.io: no name server answered")
    assert behind["ok"] and behind["detail"].startswith("not known: x.io")
    assert "--dns" in behind["fix"]


def test_no_record_is_no_fault_where_the_vendor_may_send_as_another_domain() -> None:
    each = check_spf("send.acme.io", "Resend", "amazonses.com", zone({}), unless="and another may have been chosen")

    assert each["ok"]
    assert each["detail"] == "there is none, and another may have been chosen"
    assert '"v=spf1 include:amazonses.com ~all"' in each["fix"]
