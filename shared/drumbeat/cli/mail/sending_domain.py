"""The records of the domains that an account sends from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from drumbeat.cli.checks import Check, note
from drumbeat.cli.mail.dkim import Selectors, check_dkim
from drumbeat.cli.mail.dmarc import check_alignment, check_dmarc, find_policy
from drumbeat.cli.mail.records import Ask
from drumbeat.cli.mail.spf import check_spf
from drumbeat.core.address import ascii_domain, mailbox
from drumbeat.core.configuration import Account
from drumbeat.core.errors import InvalidAddress

# RFC 2606 and RFC 6761: they belong to no sender.
_RESERVED = ("example", "test", "invalid", "localhost", "local", "example.com", "example.net", "example.org")


@dataclass(frozen=True, slots=True)
class Vendor:
    """What a mail provider needs in the DNS of a domain. `sends_as` and `signs_as` take the settings and the From."""

    name: str
    include: str  # of its SPF
    selectors: Selectors
    # The domain of the Return-Path, for which SPF is read; None: one of the vendor's own, whose records are its affair.
    sends_as: Callable[[Mapping[str, str], str], str | None]
    signs_as: Callable[[Mapping[str, str], str], str]  # the domain of the DKIM signature
    unless: str | None = None  # when it sends as another domain, which no record shows
    alias: str | None = None  # where its Return-Path is a CNAME to


VENDORS: Mapping[str, Vendor] = {
    # Its help center: "Domain verification", and "Automatic sender security" for the CNAMEs pdk1 and pdk2.
    "mailgun": Vendor(
        "Mailgun",
        "mailgun.org",
        Selectors(
            ("pdk1", "pdk2", "mx", "k1", "pic", "smtp", "email", "mailo", "krs", "s1"),
            False,
            "Mailgun's page of the domain, DNS records",
        ),
        lambda settings, _: _domain(settings["domain"]),
        lambda settings, _: _domain(settings["domain"]),
    ),
    # Its support center, "Custom Return-Path" and "Resolving DKIM". A selector holds the time when it was made.
    "postmark": Vendor(
        "Postmark",
        "spf.mtasv.net",
        Selectors(("pm",), False, "Postmark's page of the domain, DNS settings"),
        lambda _, sender: f"pm-bounces.{sender}",
        lambda _, sender: sender,
        "and Postmark sends as a domain of its own unless a custom return path was set there",
        "pm.mtasv.net",
    ),
    # Its docs, "Managing domains" and "Custom return path": send.DOMAIN unless another name was chosen.
    "resend": Vendor(
        "Resend",
        "amazonses.com",
        Selectors(("resend",), True, "Resend's page of the domain"),
        lambda _, sender: f"send.{sender}",
        lambda _, sender: sender,
        "and Resend sends from here unless another return path was chosen there",
    ),
    # SES developer guide, "Authenticating email with Easy DKIM" and "Using a custom MAIL FROM domain".
    "ses": Vendor(
        "Amazon SES",
        "amazonses.com",
        Selectors((), False, "the identity's page in the console of SES, DKIM records"),
        lambda *_: None,
        lambda _, sender: sender,
    ),
}


def check_sending_domain(account: Account, ask: Ask, selectors: Sequence[str] = ()) -> Iterator[Check]:
    """Look up what an account's domains publish. `selectors` are DKIM's, where the user knows them."""
    sender = mailbox(account.settings["from"]).address.rpartition("@")[2]
    vendor = VENDORS.get(account.provider)
    policy = None
    if _is_reserved(sender):
        yield note(
            f"sending domain {sender}", "is reserved for documents and tests", "write yours in the account's `from`"
        )
    else:
        policy = find_policy(sender, ask)
        yield check_dmarc(sender, policy)
    if vendor is None:
        advice = "see what it asks for on its page of the domain"
        yield note(f"SPF and DKIM of {sender}", f"not known here what {account.provider} needs", advice)
        return
    envelope, signs = vendor.sends_as(account.settings, sender), vendor.signs_as(account.settings, sender)
    if _is_reserved(signs):
        return
    known = replace(vendor.selectors, names=selectors, certain=True) if selectors else vendor.selectors
    if envelope is None:
        detail = f"{vendor.name} sends as a domain of its own, which has its records: for {sender} DKIM alone counts"
        yield note(f"SPF of {sender}", detail, "where a MAIL FROM domain of yours was set, look at its records there")
    else:
        yield check_spf(envelope, vendor.name, vendor.include, ask, unless=vendor.unless, alias=vendor.alias)
    yield check_dkim(signs, vendor.name, known, ask)
    if policy is not None and (alignment := check_alignment(sender, signs, envelope or vendor.include, policy)):
        yield alignment


def _is_reserved(domain: str) -> bool:
    return any(domain == name or domain.endswith(f".{name}") for name in _RESERVED)


def _domain(text: str) -> str:
    try:
        return ascii_domain(text)
    except InvalidAddress:  # as an earlier release took it
        return text.lower()
