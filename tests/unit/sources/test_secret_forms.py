"""Secrets as people have them: with a line end, in quotes, in another base64, empty, or another key of the vendor."""

from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterable

import pytest

from drumbeat.sources import registry
from drumbeat.sources.secret_forms import cleaned, key_bytes
from drumbeat.sources.signature import Allowed, Delivery, Unverified
from tests.senders import NOW, PUBLIC, SECRET, SENDERS, mailgun

EMPTY = ("", " ", "\n", "\r\n\t", "\ufeff", "\u200b\n", "whsec_", "v1,whsec_", "whsec_=", "whpk_", "v1,")


def signed(scheme: str, key: bytes | None = None) -> Delivery:
    """Deliver under the sender's own key, or under this one."""
    sender = SENDERS[scheme]
    if key is None:
        key = b64decode(SECRET) if sender.in_base64 else SECRET.encode()
    return sender.delivery(mailgun(key=key) if scheme == "mailgun" else None, key=key)


def accepted(scheme: str, delivery: Delivery, secrets: Iterable[str]) -> bool:
    try:
        registry.get(scheme).verify(delivery, Allowed([*secrets], NOW, 300, {}))
    except Unverified:
        return False
    return True


def test_every_scheme_with_secrets_has_a_sender_here() -> None:
    assert SENDERS.keys() == {name for name in registry.names() if registry.get(name).has_secrets}


@pytest.mark.parametrize("scheme", sorted(SENDERS))
@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", "  {} ", "\ufeff{}", "{}\u200b\n", "\t{}\0"])
def test_what_copying_adds_around_a_secret_is_no_part_of_it(scheme: str, around: str) -> None:
    secret = SENDERS[scheme].secret

    assert accepted(scheme, signed(scheme), [around.format(secret)])
    assert registry.get(scheme).secret_problem(around.format(secret)) is None


@pytest.mark.parametrize("scheme", sorted(SENDERS))
@pytest.mark.parametrize("empty", EMPTY)
def test_an_empty_secret_signs_nothing(scheme: str, empty: str) -> None:
    """Whatever an attacker takes it for: nothing, its own text, or what is left of it."""
    keys = {b"", empty.encode(), empty.strip().encode(), b"\n", b" "} - {
        b"whsec_",
        b"v1,whsec_",
        b"whsec_=",
        b"whpk_",
        b"v1,",
    }

    if scheme != "sendgrid":  # no key of the attacker's makes its signature
        assert [key for key in keys if accepted(scheme, signed(scheme, key), [empty])] == []
    assert not accepted(scheme, signed(scheme), [empty, "\n"])
    assert accepted(scheme, signed(scheme), [empty, SENDERS[scheme].secret])


@pytest.mark.parametrize("scheme", sorted(SENDERS))
@pytest.mark.parametrize("empty", ["", " \n", "\ufeff"])
def test_an_empty_secret_is_named(scheme: str, empty: str) -> None:
    assert registry.get(scheme).secret_problem(empty) == "is empty"


@pytest.mark.parametrize("scheme", ["standard_webhooks", "resend"])
@pytest.mark.parametrize(
    "spelled",
    ["whsec_{}", "v1,whsec_{}", "{}", "whsec_{}\n", " whsec_{} ", "whsec_{}=", "v1,{}"],
)
def test_a_standard_secret_is_taken_in_every_spelling(scheme: str, spelled: str) -> None:
    raw = bytes(range(0xEC, 0x100)) + b"\xfb\xff\xfe\xbf"  # its base64 has + and /
    url_safe = urlsafe_b64encode(raw).decode().rstrip("=")

    for text in (url_safe, url_safe.translate(str.maketrans("-_", "+/"))):
        assert accepted(scheme, SENDERS[scheme].delivery(key=raw), [spelled.format(text)])
        assert registry.get(scheme).secret_problem(spelled.format(text)) is None


@pytest.mark.parametrize("broken", ["nonsense!", "whsec_a", "\u00e9\u00e9\u00e9\u00e9", "whpk_c2hvcnQ="])
def test_a_secret_that_is_no_key_spoils_no_other(broken: str) -> None:
    assert accepted("standard_webhooks", signed("standard_webhooks"), [broken, SECRET])
    assert registry.get("standard_webhooks").secret_problem(broken)


@pytest.mark.parametrize(
    "written",
    [
        PUBLIC,
        f"-----BEGIN PUBLIC KEY-----\n{PUBLIC[:64]}\n{PUBLIC[64:]}\n-----END PUBLIC KEY-----\n",
        PUBLIC.replace("+", "-").replace("/", "_").rstrip("="),
    ],
)
def test_sendgrids_key_is_taken_with_the_lines_that_tools_put_around_it(written: str) -> None:
    assert accepted("sendgrid", signed("sendgrid"), [written])
    assert registry.get("sendgrid").secret_problem(written) is None


@pytest.mark.parametrize(
    ("scheme", "mistaken"),
    [
        ("stripe", "sk_live_x"),
        ("slack", "xoxb-1-x"),
        ("github", "ghp_x"),
        ("github", "github_pat_x"),
        ("resend", "re_123"),
        ("sendgrid", "SG.x.y"),
        ("sendgrid", "c2VzYW1l"),
        ("twilio", "AC00000000000000000000000000000000"),
        ("hubspot_v1", "pat-eu1-x"),
        ("hubspot_v3", "pat-na1-x"),
        ("shopify", "shpat_x"),
        ("meta", "EAAx"),
        ("paddle", "pdl_live_apikey_x"),
        ("lemonsqueezy", "eyJ0eXAi.x.y"),
        ("calendly", "eyJraWQi.x.y"),
        ("typeform", "tfp_x"),
        ("mailgun", "pubkey-x"),
        ("hmac", '"sesame"'),
    ],
)
def test_another_credential_of_the_vendor_is_recognised_and_not_quoted(scheme: str, mistaken: str) -> None:
    problem = registry.get(scheme).secret_problem(f"{mistaken}\n")

    assert problem
    assert mistaken not in problem


def test_a_secret_within_is_left_as_it_is() -> None:
    assert cleaned(" two words ") == "two words"
    assert key_bytes("YSBi\n") == key_bytes("YS Bi") == b"a b"
    assert [key_bytes(text) for text in ("", "=", "a", "ab!d", "\u00e9")] == [b""] * 5
