"""DMARC (RFC 9989): what a domain asks receivers to do, and whether a vendor's signature counts for it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from drumbeat.cli.checks import Check, check, note
from drumbeat.cli.mail.records import WHY, Ask, not_known

POLICIES = {
    "none": "receivers report and refuse nothing: enough for Gmail, Yahoo and Outlook.com",
    "quarantine": "what is not proven to be yours goes to spam",
    "reject": "what is not proven to be yours is refused",
}
_RECORD = re.compile(r"v\s*=\s*DMARC1\s*(;|$)")
_MOST_LABELS = 8  # longer names are asked about from their last seven labels on


@dataclass(frozen=True, slots=True)
class Policy:
    """Which record counts for mail from a domain, and what the names above it showed."""

    at: str | None = None  # the domain whose record counts
    tags: Mapping[str, str] = field(default_factory=dict)
    organisation: str | None = None  # domains below it count as one for DMARC
    faults: tuple[str, ...] = ()
    unknown: tuple[str, str] | None = None


def check_dmarc(domain: str, policy: Policy) -> Check:
    """Check that mail from a domain has a DMARC policy."""
    name = f"DMARC of {domain}"
    if policy.unknown and policy.at != domain:
        return not_known(name, *policy.unknown)
    if policy.at is None:
        detail = policy.faults[0] if policy.faults else "there is none"
        return check(name, False, detail, f'add one TXT record at _dmarc.{domain}: "v=DMARC1; p=none". {WHY}')
    inherited = policy.at != domain
    word = (policy.tags.get("sp") if inherited else None) or policy.tags.get("p", "")
    where = f"at _dmarc.{policy.at}"
    if not word:
        return note(name, f"{where} without p=", "write p=none: older receivers do not read a record without it")
    if word not in POLICIES:
        return check(name, False, f"p={word} {where} is none, quarantine or reject to no receiver", "write p=none")
    detail = f"p={word} {where}: {POLICIES[word]}"
    return note(name, detail, f"correct it: {policy.faults[0]}") if policy.faults else check(name, True, detail)


def check_alignment(domain: str, signs: str, envelope: str, policy: Policy) -> Check | None:
    """Check that what the vendor proves counts for the domain in From; None: that cannot be said.

    DMARC passes when SPF or DKIM passes for a domain that belongs to the one in From: a strict policy wants the same.
    """
    name = f"DMARC of {domain} counts"
    modes = (("adkim", signs, "DKIM"), ("aspf", envelope, "SPF"))
    counts = {
        proof: domain == proven or (policy.tags.get(tag) != "s" and _belong_together(domain, proven, policy))
        for tag, proven, proof in modes
    }
    if None in counts.values() and True not in counts.values():
        return None
    if passing := [proof for proof, yes in counts.items() if yes]:
        return check(name, True, f"{' and '.join(passing)} of this account count{'' if passing[1:] else 's'} for it")
    strict = [f"{tag}=s" for tag, _, _ in modes if policy.tags.get(tag) == "s"]
    detail = f"mail is from {domain}, and is signed and sent as {signs}: DMARC fails"
    fix = f"take {' and '.join(strict)} out of the record, or " if strict else ""
    return check(name, False, detail, f"{fix}write an address of {signs} in the account's `from`. {WHY}")


def find_policy(domain: str, ask: Ask) -> Policy:
    """Find the record for a domain: its own, or that of the organisation above it (the tree walk of RFC 9989).

    A top-level domain is not asked: its registry's policy is not yours.
    """
    found: dict[str, Mapping[str, str]] = {}
    faults: list[str] = []
    unknown: tuple[str, str] | None = None
    for name in _upwards(domain):
        asked = f"_dmarc.{name}"
        answer = ask(asked)
        if answer.unknown:
            unknown = unknown or (asked, answer.unknown)
            continue
        records = [text for text in answer.texts if _RECORD.match(text)]
        if len(records) > 1:
            faults.append(f"{asked} has {len(records)} records, and so receivers use none of them")
        elif records:
            found[name] = _tags(records[0])
        elif similar := [text for text in answer.texts if "dmarc" in text.lower()[:12]]:
            faults.append(
                f"{asked} has a record that receivers do not read: it has to begin with v=DMARC1: {similar[0]}"
            )
        if found.get(name, {}).get("psd") == "n":
            break
    organisation = next((name for name in reversed(found) if found[name].get("psd") != "y"), None)
    at = domain if domain in found else organisation
    return Policy(at, found.get(at or "", {}), organisation, tuple(faults), unknown)


def _upwards(domain: str) -> Iterator[str]:
    labels = domain.split(".")
    yield domain
    for first in range(1 if len(labels) <= _MOST_LABELS else len(labels) - _MOST_LABELS + 1, len(labels) - 1):
        yield ".".join(labels[first:])


def _tags(record: str) -> Mapping[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip().lower() for name, equals, value in pairs if equals}


def _belong_together(one: str, other: str, policy: Policy) -> bool | None:
    if one == other or one.endswith(f".{other}") or other.endswith(f".{one}"):
        return True
    if policy.organisation is not None:
        return other == policy.organisation or other.endswith(f".{policy.organisation}")
    return None if one.split(".")[-2:] == other.split(".")[-2:] else False
