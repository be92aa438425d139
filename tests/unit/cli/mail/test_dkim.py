"""DKIM's keys, read from literal records."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from drumbeat.cli.mail.dkim import Selectors, check_dkim, read_key
from drumbeat.cli.mail.records import Answer
from tests.unit.cli.mail.zone import AWAY, zone


def public(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> str:
    return base64.b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


LONG = public(rsa.generate_private_key(65537, 2048))
SHORT = public(rsa.generate_private_key(65537, 1024))
CURVE = public(ec.generate_private_key(ec.SECP256R1()))
CERTAIN = Selectors(("resend",), True, "Resend's page of the domain")
GUESSED = Selectors(("pdk1", "mx", "k1"), False, "Mailgun's page of the domain")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (f"v=DKIM1; k=rsa; p={LONG}", "RSA, 2048 bits"),
        (f"p={LONG}", "RSA, 2048 bits"),
        (f"v=DKIM1;t=s;p={LONG[:100]} {LONG[100:]};", "RSA, 2048 bits"),
        (f"v=DKIM1; h=sha1:sha256; p={SHORT}", "RSA, 1024 bits"),
        (f"v=DKIM1; k=rsa; t=y:s; p={LONG}", "RSA, 2048 bits"),
        ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=", "Ed25519"),
    ],
)
def test_a_key_is_read(text: str, kind: str) -> None:
    key = read_key(Answer((text,)))

    assert (key.kind, key.fault) == (kind, None)


@pytest.mark.parametrize(
    ("text", "advice"),
    [(f"p={SHORT}", "2048 bits are better"), (f"t=y; p={LONG}", "t=y"), (f"p={LONG}", None)],
)
def test_a_key_that_counts_may_have_its_advice(text: str, advice: str | None) -> None:
    found = read_key(Answer((text,))).advice

    assert found is None if advice is None else found is not None and advice in found


@pytest.mark.parametrize(
    ("texts", "fault"),
    [
        (("v=DKIM1; k=rsa; p=",), "was revoked"),
        (("v=DKIM1; k=rsa",), "has no p="),
        ((f"v=DKIM2; p={LONG}",), "is of version DKIM2"),
        ((f"k=dsa; p={LONG}",), "k=dsa"),
        ((f"h=sha1; p={LONG}",), "h=sha1"),
        ((f"p={LONG[:200]}",), "is damaged"),
        (("p=!!!",), "is damaged"),
        ((f"p={CURVE}",), "is damaged"),
        ((f"p={LONG}", f"p={SHORT}"), "is there 2 times"),
    ],
)
def test_a_key_that_does_not_count_says_why(texts: tuple[str, ...], fault: str) -> None:
    found = read_key(Answer(texts)).fault

    assert found is not None and fault in found


def test_a_key_shorter_than_receivers_take_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drumbeat.cli.mail.dkim.LEAST_BITS", 1025)  # none can be made that is as short as 512

    assert "1024 bits" in str(read_key(Answer((f"p={SHORT}",))).fault)


def test_a_key_at_the_known_selector_is_shown_without_a_claim_that_it_signs() -> None:
    each = check_dkim("acme.io", "Resend", CERTAIN, zone({"resend._domainkey.acme.io": f"p={LONG}"}))

    assert each["ok"] and each["fix"] is None
    assert each["detail"] == "a key is published: RSA, 2048 bits at resend._domainkey"


def test_no_key_at_the_known_selector_is_a_fault() -> None:
    each = check_dkim("acme.io", "Resend", CERTAIN, zone({}))

    assert not each["ok"]
    assert "resend._domainkey.acme.io" in each["detail"]
    assert "Resend's page" in each["fix"]


def test_an_alias_that_leads_to_nothing_is_a_fault() -> None:
    there = Answer(alias="pdk1._domainkey.0a1b2.dkim1.mailgun.com")

    each = check_dkim("mg.acme.io", "Mailgun", GUESSED, zone({"pdk1._domainkey.mg.acme.io": there}))

    assert not each["ok"]
    assert "is a CNAME to pdk1._domainkey.0a1b2.dkim1.mailgun.com, and there is no TXT record" in each["detail"]


def test_an_alias_that_leads_to_a_key_is_good() -> None:
    there = Answer((f"p={LONG}",), alias="pdk1._domainkey.0a1b2.dkim1.mailgun.com")

    assert check_dkim("mg.acme.io", "Mailgun", GUESSED, zone({"pdk1._domainkey.mg.acme.io": there}))["ok"]


def test_one_good_key_is_enough() -> None:
    records = {"mx._domainkey.mg.acme.io": "p=", "k1._domainkey.mg.acme.io": f"p={LONG}"}

    each = check_dkim("mg.acme.io", "Mailgun", GUESSED, zone(records))

    assert each["ok"] and "k1._domainkey" in each["detail"] and "mx" not in each["detail"]


def test_where_the_selector_can_be_any_its_absence_is_not_claimed() -> None:
    each = check_dkim("mg.acme.io", "Mailgun", GUESSED, zone({}))

    assert each["ok"]
    assert each["detail"].startswith("not known: ") and "pdk1, mx, k1" in each["detail"]
    assert "DKIM-Signature" in each["fix"] and "--selector" in each["fix"]


def test_what_a_wildcard_answers_to_every_name_is_no_key_that_was_guessed() -> None:
    everywhere = {f"{name}._domainkey.mg.acme.io": Answer(("v=spf1 -all",), "acme.io") for name in GUESSED.names}

    assert check_dkim("mg.acme.io", "Mailgun", GUESSED, zone(everywhere))["detail"].startswith("not known: no key")


def test_what_name_servers_do_not_answer_is_not_called_missing() -> None:
    each = check_dkim("acme.io", "Resend", CERTAIN, zone({"resend._domainkey.acme.io": AWAY}))

    assert each["ok"] and each["detail"].startswith("not known: resend._domainkey.acme.io: no name server answered")
