"""What is looked up for an account, and for which names."""

import dns.message
import dns.rcode
import dns.rrset
import pytest

from drumbeat.cli.mail.name_servers import NameServers
from drumbeat.cli.mail.sending_domain import VENDORS, check_sending_domain
from drumbeat.core.configuration import Account, Retry
from drumbeat.providers import registry
from tests.unit.cli.mail.test_dkim import LONG
from tests.unit.cli.mail.test_name_servers import serving
from tests.unit.cli.mail.zone import Zone, zone


def account(provider: str, **settings: str) -> Account:
    return Account("mail", provider, settings, {}, (), Retry(1.0, 2.0), "hold", None)


MAILGUN = account("mailgun", domain="mg.acme.io", **{"from": "Ada <ada@acme.io>"})
POSTMARK = account("postmark", **{"from": "ada@acme.io"})
RESEND = account("resend", **{"from": "ada@acme.io"})
GOOD = {
    "mg.acme.io": "v=spf1 include:mailgun.org ~all",
    "mailgun.org": "v=spf1 ip4:192.0.2.0/24 ~all",
    "k1._domainkey.mg.acme.io": f"v=DKIM1; p={LONG}",
    "send.acme.io": "v=spf1 include:amazonses.com ~all",
    "amazonses.com": "v=spf1 ip4:199.255.192.0/22 -all",
    "resend._domainkey.acme.io": f"p={LONG}",
    "pm-bounces.acme.io": "v=spf1 include:spf.mtasv.net -all",  # as a resolver follows the CNAME to pm.mtasv.net
    "spf.mtasv.net": "v=spf1 ip4:50.31.156.96/27 ~all",
    "pm._domainkey.acme.io": f"k=rsa; p={LONG}",
    "_dmarc.acme.io": "v=DMARC1; p=quarantine",
}


@pytest.mark.parametrize(
    ("one", "names"),
    [
        (MAILGUN, ["DMARC of acme.io", "SPF of mg.acme.io", "DKIM of mg.acme.io", "DMARC of acme.io counts"]),
        (POSTMARK, ["DMARC of acme.io", "SPF of pm-bounces.acme.io", "DKIM of acme.io", "DMARC of acme.io counts"]),
        (RESEND, ["DMARC of acme.io", "SPF of send.acme.io", "DKIM of acme.io", "DMARC of acme.io counts"]),
    ],
)
def test_a_domain_in_order_is_good_in_all(one: Account, names: list[str]) -> None:
    found = list(check_sending_domain(one, zone(GOOD)))

    assert [each["name"] for each in found] == names
    assert [(each["ok"], each["fix"]) for each in found] == [(True, None)] * 4


def test_a_domain_without_anything_lacks_what_can_be_known() -> None:
    found = {each["name"]: each["ok"] for each in check_sending_domain(RESEND, zone({}))}

    # Resend may send as another domain: that there is no SPF at the usual one proves nothing.
    assert found == {
        "DMARC of acme.io": False,
        "SPF of send.acme.io": True,
        "DKIM of acme.io": False,
        "DMARC of acme.io counts": True,
    }


def test_ses_signs_for_the_sender_and_sends_as_itself() -> None:
    ses = account("ses", region="eu-central-1", **{"from": "ada@acme.io"})
    server = zone(GOOD | {"abc._domainkey.acme.io": f"p={LONG}"})

    unasked = list(check_sending_domain(ses, server))
    asked = list(check_sending_domain(ses, server, ["abc"]))

    assert [each["name"] for each in asked] == [
        "DMARC of acme.io",
        "SPF of acme.io",
        "DKIM of acme.io",
        "DMARC of acme.io counts",
    ]
    assert [each["ok"] for each in asked + unasked] == [True] * 8
    assert "selectors of its own" in unasked[2]["detail"]
    assert "a key is published" in asked[2]["detail"]
    assert "DKIM of this account counts" in asked[3]["detail"]


def test_a_return_path_of_postmarks_is_a_cname() -> None:
    found = {each["name"]: each for each in check_sending_domain(POSTMARK, zone({}))}

    spf = found["SPF of pm-bounces.acme.io"]
    assert spf["ok"]
    assert "a CNAME record at pm-bounces.acme.io: pm.mtasv.net" in (spf["fix"] or "")


def test_a_selector_that_the_user_knows_is_the_only_one_asked_for() -> None:
    server = Zone(GOOD)

    found = {each["name"]: each for each in check_sending_domain(MAILGUN, server.ask, ["other"])}

    assert not found["DKIM of mg.acme.io"]["ok"]
    assert [name for name in server.asked if "_domainkey" in name] == ["other._domainkey.mg.acme.io"]


@pytest.mark.parametrize("sender", ["ada@example.com", "Ada <ada@mail.example.org>", "ada@acme.test"])
def test_a_reserved_domain_is_noted_and_not_looked_up(sender: str) -> None:
    server = Zone({})

    found = list(check_sending_domain(account("mailgun", domain="mg.example.com", **{"from": sender}), server.ask))

    assert [each["ok"] for each in found] == [True]
    assert "reserved" in found[0]["detail"]
    assert server.asked == []


def test_a_domain_of_other_letters_is_looked_up_in_its_ascii_form() -> None:
    server = Zone({})

    list(check_sending_domain(account("resend", **{"from": "ada@bücher.de"}), server.ask))

    assert "resend._domainkey.xn--bcher-kva.de" in server.asked


def test_a_provider_whose_records_are_not_known_here_gets_its_policy_checked() -> None:
    found = list(check_sending_domain(account("later", **{"from": "ada@acme.io"}), zone(GOOD)))

    assert [(each["name"], each["ok"]) for each in found] == [
        ("DMARC of acme.io", True),
        ("SPF and DKIM of acme.io", True),
    ]
    assert "not known here" in found[1]["detail"]


def test_every_provider_of_mail_has_its_facts() -> None:
    mailing = {name for name in registry.names() if "send_email" in registry.get(name).actions}

    assert mailing == set(VENDORS)


def test_a_domain_is_read_from_real_name_servers() -> None:
    def reply(query: dns.message.Message) -> dns.message.Message | None:
        name = query.question[0].name.to_text().rstrip(".")
        made = dns.message.make_response(query)
        if name in GOOD:
            strings = " ".join(f'"{GOOD[name][at : at + 255]}"' for at in range(0, len(GOOD[name]), 255))
            made.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", "TXT", strings))
        else:
            made.set_rcode(dns.rcode.NXDOMAIN)
        return made

    with serving(reply) as server:
        found = list(check_sending_domain(MAILGUN, NameServers(server).ask))

    assert [(each["ok"], each["fix"]) for each in found] == [(True, None)] * 4
