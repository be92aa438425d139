"""DMARC, read from literal records."""

import pytest

from drumbeat.cli.checks import Check
from drumbeat.cli.mail.dmarc import check_alignment, check_dmarc, find_policy
from drumbeat.cli.mail.records import Answer
from tests.unit.cli.mail.zone import AWAY, Zone, zone

type Records = dict[str, str | tuple[str, ...] | Answer]


def checked(records: Records, domain: str = "news.acme.io") -> Check:
    return check_dmarc(domain, find_policy(domain, zone(records)))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (
            "v=DMARC1; p=none; rua=mailto:d@acme.io",
            "p=none at _dmarc.news.acme.io: receivers report and refuse nothing",
        ),
        ("v=DMARC1;p=quarantine", "p=quarantine"),
        ("v = DMARC1 ; P = Reject ;", "p=reject"),
    ],
)
def test_a_policy_of_the_domain_itself(record: str, said: str) -> None:
    each = checked({"_dmarc.news.acme.io": record})

    assert each["ok"] and each["fix"] is None
    assert said in each["detail"]


@pytest.mark.parametrize(
    ("record", "said"),
    [("v=DMARC1; p=reject", "p=reject at _dmarc.acme.io"), ("v=DMARC1; p=reject; sp=none", "p=none")],
)
def test_a_policy_that_is_inherited(record: str, said: str) -> None:
    assert said in checked({"_dmarc.acme.io": record})["detail"]


def test_sp_is_not_for_the_domain_itself() -> None:
    assert "p=reject" in checked({"_dmarc.acme.io": "v=DMARC1; p=reject; sp=none"}, "acme.io")["detail"]


def test_without_a_record_the_one_to_add_is_said() -> None:
    each = checked({})

    assert not each["ok"]
    assert each["detail"] == "there is none"
    assert '_dmarc.news.acme.io: "v=DMARC1; p=none"' in each["fix"]


@pytest.mark.parametrize(
    "record", ["v=DMARC2; p=none", "v=dmarc1; p=none", "v=DMARC1p=none", " v=DMARC1; p=none", "DMARC1"]
)
def test_a_record_that_receivers_do_not_read_is_shown(record: str) -> None:
    each = checked({"_dmarc.news.acme.io": record})

    assert not each["ok"]
    assert "has to begin with v=DMARC1" in each["detail"] and each["detail"].endswith(record)


def test_two_records_are_as_none() -> None:
    each = checked({"_dmarc.acme.io": ("v=DMARC1; p=none", "v=DMARC1; p=reject", "google-site-verification=x")})

    assert not each["ok"]
    assert "_dmarc.acme.io has 2 records" in each["detail"]


def test_a_broken_record_under_a_good_one_is_noted() -> None:
    each = checked({"_dmarc.news.acme.io": "v=DMARC2; p=none", "_dmarc.acme.io": "v=DMARC1; p=reject"})

    assert each["ok"] and "at _dmarc.acme.io" in each["detail"]
    assert "v=DMARC2" in each["fix"]


def test_a_policy_without_its_word_is_noted_and_a_wrong_word_is_a_fault() -> None:
    assert checked({"_dmarc.acme.io": "v=DMARC1; rua=mailto:d@acme.io"})["fix"].startswith("write p=none")
    assert not checked({"_dmarc.acme.io": "v=DMARC1; p=nothing"})["ok"]


def test_what_name_servers_do_not_answer_is_not_called_missing() -> None:
    own, above = checked({"_dmarc.news.acme.io": AWAY}), checked({"_dmarc.acme.io": AWAY})

    assert own["ok"] and own["detail"].startswith("not known: _dmarc.news.acme.io")
    assert above["ok"] and above["detail"].startswith("not known: _dmarc.acme.io")


def test_a_policy_of_the_domain_itself_counts_whatever_stands_above() -> None:
    assert "p=none" in checked({"_dmarc.news.acme.io": "v=DMARC1; p=none", "_dmarc.acme.io": AWAY})["detail"]


def test_the_top_level_domain_is_not_asked_and_a_long_name_from_its_last_seven_labels_on() -> None:
    server = Zone({})

    find_policy("a.b.c.d.e.f.g.h.i.io", server.ask)

    assert server.asked[:2] == ["_dmarc.a.b.c.d.e.f.g.h.i.io", "_dmarc.d.e.f.g.h.i.io"]
    assert server.asked[-1] == "_dmarc.i.io"


def test_a_registrys_policy_is_not_the_senders_and_a_domain_may_end_the_walk() -> None:
    registry = find_policy("acme.co.uk", zone({"_dmarc.co.uk": "v=DMARC1; p=reject; psd=y"}))
    apart = find_policy("a.b.io", zone({"_dmarc.a.b.io": "v=DMARC1; p=none; psd=n", "_dmarc.b.io": "v=DMARC1; p=none"}))

    assert registry.at is None
    assert apart.organisation == "a.b.io"


ORGANISATION: Records = {"_dmarc.acme.io": "v=DMARC1; p=none"}


@pytest.mark.parametrize(
    ("sender", "signs", "envelope", "records", "ok"),
    [
        ("acme.io", "acme.io", "acme.io", {}, True),
        ("acme.io", "mg.acme.io", "mg.acme.io", ORGANISATION, True),
        ("mg.acme.io", "acme.io", "send.mg.acme.io", ORGANISATION, True),
        ("news.acme.io", "mg.acme.io", "mg.acme.io", ORGANISATION, True),  # by the organisation above both
        ("news.acme.io", "mg.acme.io", "mg.acme.io", {}, None),  # io may be a registry's, acme.io may be, too
        ("acme.co.uk", "other.co.uk", "other.co.uk", {"_dmarc.acme.co.uk": "v=DMARC1; p=none"}, False),
        ("acme.io", "mg.other.com", "mg.other.com", ORGANISATION, False),
        ("acme.io", "mg.other.com", "mg.other.com", {}, False),
        ("acme.io", "mg.acme.io", "mg.acme.io", {"_dmarc.acme.io": "v=DMARC1; p=none; adkim=s; aspf=s"}, False),
        ("acme.io", "mg.acme.io", "mg.acme.io", {"_dmarc.acme.io": "v=DMARC1; p=none; adkim=s"}, True),
        ("acme.io", "acme.io", "send.acme.io", {"_dmarc.acme.io": "v=DMARC1; p=none; aspf=s"}, True),
    ],
)
def test_what_is_proven_has_to_be_for_the_domain_in_from(
    sender: str, signs: str, envelope: str, records: Records, ok: bool | None
) -> None:
    each = check_alignment(sender, signs, envelope, find_policy(sender, zone(records)))

    assert (each and each["ok"]) is ok


def test_a_strict_policy_that_makes_it_fail_is_named() -> None:
    policy = find_policy("acme.io", zone({"_dmarc.acme.io": "v=DMARC1; p=none; adkim=s; aspf=s"}))

    each = check_alignment("acme.io", "mg.acme.io", "mg.acme.io", policy)

    assert each is not None
    assert "take adkim=s and aspf=s out" in each["fix"]
