"""SPF (RFC 7208): whether a domain lets a vendor's servers send for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from drumbeat.cli.checks import Check, check, note
from drumbeat.cli.mail.records import WHY, Ask, not_known

MOST_LOOKUPS = 10  # RFC 7208, 4.6.4
_TERM = re.compile(r"([+?~-]?)([a-z][a-z0-9_.-]*)(?:([:/=])(.*))?", re.IGNORECASE)
_ASKS = frozenset({"a", "mx", "ptr"})  # each costs a look-up; their domain may be left out
_PERMERROR = "so receivers count SPF as failed (permerror)"


def check_spf(
    domain: str, vendor: str, include: str, ask: Ask, *, unless: str | None = None, alias: str | None = None
) -> Check:
    """Check that a domain has exactly one SPF record, and that it is valid and lets `include` send.

    What is not shown: that the vendor sends in this domain's name. A receiver sees that, in the Return-Path. `unless`
    says when it is another domain; then it is no fault that there is no record here. `alias`: whose record is asked for
    instead of one of its own, by a CNAME.
    """
    name = f"SPF of {domain}"
    answer = ask(domain)
    if answer.unknown:
        return not_known(name, domain, answer.unknown)
    records = spf_records(answer.texts)
    if not records and unless:
        wanted = f'a TXT record at {domain}: "v=spf1 include:{include} ~all"'
        wanted = f"a CNAME record at {domain}: {alias}" if alias else wanted
        return note(name, f"there is none, {unless}", f"else add {wanted}. {WHY}")
    if len(records) != 1:
        return check(name, False, *_not_one(domain, include, records, answer.texts))
    record = records[0]
    reading = _Reading(include.lower(), ask)
    reading.read(record, (domain,))
    if reading.faults:
        return check(name, False, f"{record}: {reading.faults[0]}", "correct it; the other terms may stay")
    if reading.lookups > MOST_LOOKUPS and not reading.allowed_in_time:
        detail = f"{record} needs more than {MOST_LOOKUPS} look-ups, {_PERMERROR}"
        return check(
            name, False, detail, f"take out what does not send any more, or move include:{include} to the front"
        )
    if not reading.allowed_in_time:
        if reading.unknown:
            return not_known(name, *reading.unknown[0])
        fix = f'{vendor} sends from there. Change the TXT record at {domain} to "{_including(record, include)}": {WHY}'
        return check(name, False, f"{record} does not let {vendor} send", fix)
    if reading.everyone:
        fix = "write ~all at its end: as it is, each server in the world may send in this domain's name"
        return check(name, False, f"{record} lets everyone send", fix)
    if reading.lookups > MOST_LOOKUPS:
        detail = f"{record} needs more than {MOST_LOOKUPS} look-ups; include:{include} comes before that"
        return note(name, detail, "what stands behind the tenth is not read: take out what does not send any more")
    return check(name, True, f"{record} lets {vendor} send; {reading.lookups} of {MOST_LOOKUPS} look-ups")


def spf_records(texts: Sequence[str]) -> list[str]:
    """Return those TXT records that are SPF's: they begin with exactly v=spf1 and a space, or are that alone."""
    return [text for text in texts if text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")]


def _not_one(domain: str, include: str, records: Sequence[str], texts: Sequence[str]) -> tuple[str, str]:
    """Say what is wrong where there is none, or more than one; and what to do."""
    wanted = f"v=spf1 include:{include} ~all"
    if records:
        detail = f"there are {len(records)}, {_PERMERROR}: {' | '.join(records)}"
        return detail, f"keep one that has the terms of all of them; it has to hold include:{include}"
    if similar := [text for text in texts if "spf" in text.lower()[:10]]:
        detail = f"there is none; this is not read as one, as it does not begin with v=spf1 and a space: {similar[0]}"
        return detail, f'write "{wanted}"'
    return "there is none", f'add a TXT record at {domain}: "{wanted}". {WHY}'


def _including(record: str, include: str) -> str:
    """Return the record with the include in front of what ends it."""
    version, *terms = record.split()
    kept = [term for term in terms if _unsigned(term) != f"include:{include}"]
    end = next((n for n, term in enumerate(kept) if _unsigned(term) == "all"), len(kept))
    return " ".join([version, *kept[:end], f"include:{include}", *kept[end:]])


def _unsigned(term: str) -> str:
    return term.lower().lstrip("+?~-")


@dataclass(slots=True)
class _Reading:
    """What is found on the way through a record and all that it includes. Stops behind the eleventh look-up."""

    include: str
    ask: Ask
    lookups: int = 0
    allowed_in_time: bool = False
    everyone: bool = False
    faults: list[str] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)

    def read(self, record: str, path: tuple[str, ...], *, passes: bool = True) -> None:
        """Read a record; `path` are the domains that led to it, `passes` whether a match in it lets a server send."""
        redirect: str | None = None
        for term in record.split()[1:]:
            match = _TERM.fullmatch(term)
            if match is None:
                self.faults.append(f"{term} is no term of SPF, {_PERMERROR}")
                continue
            sign, kind, mark, value = match[1], match[2].lower(), match[3], match[4] or ""
            if mark == "=":
                redirect = value if kind == "redirect" else redirect
            elif kind == "all" and not mark:
                self.everyone |= passes and sign in ("", "+") and len(path) == 1
                return  # what follows is not read, a redirect included
            else:
                self._mechanism(term, kind, mark, value, path, passes=passes and sign in ("", "+"))
        if redirect is not None:
            self._follow(f"redirect={redirect}", redirect, path, passes=passes)

    def _mechanism(self, term: str, kind: str, mark: str, value: str, path: tuple[str, ...], *, passes: bool) -> None:
        if kind == "include" and mark == ":" and value:
            self._follow(term, value, path, passes=passes)
        elif kind in _ASKS or (kind == "exists" and mark == ":" and value):
            self.lookups += 1
        elif kind not in ("ip4", "ip6") or not _is_network(kind, value):
            self.faults.append(f"{term} is no term of SPF, {_PERMERROR}")

    def _follow(self, term: str, target: str, path: tuple[str, ...], *, passes: bool) -> None:
        self.lookups += 1
        target = target.lower().rstrip(".")
        if self.lookups > MOST_LOOKUPS or "%" in target:  # a macro stands for something of each mail
            return
        if target in path:
            self.faults.append(f"{term} leads back to itself, {_PERMERROR}")
            return
        answer = self.ask(target)
        records = spf_records(answer.texts)
        if answer.unknown:
            self.unknown.append((target, answer.unknown))
        elif len(records) != 1:
            self.faults.append(f"{term} leads to {len(records) or 'no'} SPF records, {_PERMERROR}")
        else:
            self.read(records[0], (*path, target), passes=passes)
        self.allowed_in_time |= passes and target == self.include and self.lookups <= MOST_LOOKUPS


def _is_network(kind: str, value: str) -> bool:
    try:
        _ = (IPv4Network if kind == "ip4" else IPv6Network)(value, strict=False)
    except ValueError:
        return False
    return True
