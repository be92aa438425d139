"""Kinds of change to people between an approval and the run, and what each has to come to."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from drumbeat.core.address import contact_key
from drumbeat.people import erasure, suppressions
from tests.store.runs.stage import Stage

CONSENT = """
    INSERT INTO contacts (key, consents)
    VALUES (%(key)s, consent_fact('news', %(kind)s, true, drumbeat_now(), gen_random_uuid()))
        ON CONFLICT (key) DO UPDATE SET consents = consents_merged(contacts.consents, excluded.consents)
"""
COMPLAINT = "UPDATE contacts SET complained_at = drumbeat_now() WHERE key = %(key)s"
BY = "person:test"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands, by what was said and done; not by what the product makes of it."""

    consent: str | None = None
    suppressed: bool = False
    complained: bool = False
    attributes: dict[str, Any] = field(default_factory=dict)
    is_lead: bool = False

    def matches(self, *, by_list: bool) -> bool:
        """Return whether an audience has them: who pays and is not away, and, `by_list`, agreed to the list."""
        agreed = self.consent == "given" or not by_list
        known = self.is_lead and "seed" in self.attributes
        return known and agreed and self.attributes.get("plan") in ("pro", "team") and not self.is_away

    @property
    def is_away(self) -> bool:
        return self.attributes.get("away") is True

    @property
    def kept_from(self) -> str | None:
        """Why a mail to the list may not go to them."""
        if self.suppressed:
            return "suppressed"
        if self.complained:
            return "complained"
        said = {"given": None, "pending": "consent_pending", "withdrawn": "withdrawn", None: "no_consent"}
        return said[self.consent]


class People:
    """Everyone there is, on the stage and in the books."""

    def __init__(self, stage: Stage, random: Random, prefix: str) -> None:
        self._stage = stage
        self._random = random
        self.prefix = prefix
        self.standing: dict[str, Standing] = {}

    def add(self, *, consent: str | None = "given", **attributes: Any) -> str:
        name = f"{self.prefix}-{len(self.standing)}"
        self.standing[name] = Standing()
        self.describe(name, **attributes)
        if consent is not None:
            self.say(name, consent)
        return name

    def any(self, **wanted: Any) -> str:
        """Return someone who stands so, or a new person, of whom that may be said."""
        found = [
            name
            for name, standing in self.standing.items()
            if all(getattr(standing, each) == value for each, value in wanted.items())
        ]
        return self._random.choice(found) if found else self.add(plan="pro", seed=self.prefix)

    def describe(self, name: str, /, **attributes: Any) -> None:
        """Give attributes; None takes one away."""
        standing = self.standing[name]
        known = {key: value for key, value in (standing.attributes | attributes).items() if value is not None}
        self._stage.people(name, agreed=False, **known)
        self.standing[name] = replace(standing, attributes=known, is_lead=True)

    def say(self, name: str, consent: str) -> None:
        self._run(CONSENT, name, kind=consent)
        self.standing[name] = replace(self.standing[name], consent=consent)

    def complain(self, name: str) -> None:
        self._run(COMPLAINT, name)
        self.standing[name] = replace(self.standing[name], complained=True)

    def suppress(self, name: str, *, lifted: bool = False) -> None:
        change = suppressions.lift if lifted else suppressions.suppress
        change(self.address(name), reason="asked", actor=BY, services=self._stage)
        self.standing[name] = replace(self.standing[name], suppressed=not lifted)

    def erase(self, name: str) -> None:
        erasure.erase(self.address(name), actor=BY, services=self._stage)
        self.standing[name] = replace(self.standing[name], attributes={}, is_lead=False, suppressed=True)

    def address(self, name: str) -> str:
        return f"{name}@example.com"

    def key(self, name: str) -> bytes:
        return contact_key(self._stage.contact_secret, self.address(name))

    def _run(self, statement: str, name: str, **parameters: Any) -> None:
        self._stage.db.run(statement, {"key": self.key(name), **parameters})


def _back_and_forth(people: People) -> None:
    name = people.any()
    plan = people.standing[name].attributes.get("plan")
    people.describe(name, plan="free")
    people.describe(name, plan=plan)


def _withdraw_and_agree(people: People) -> None:
    name = people.any()
    people.say(name, "withdrawn")
    people.say(name, "given")


def _suppress_and_lift(people: People) -> None:
    name = people.any(is_lead=True)
    people.suppress(name)
    people.suppress(name, lifted=True)


def _come_and_go(people: People) -> None:
    name = people.add(plan="pro", seed=people.prefix)
    people.describe(name, plan="free")


def _lift(people: People) -> None:
    name = people.any(suppressed=True, is_lead=True)
    if people.standing[name].suppressed:
        people.suppress(name, lifted=True)


PEOPLE: dict[str, Callable[[People], object]] = {
    "one withdraws": lambda p: p.say(p.any(), "withdrawn"),
    "one who agreed withdraws": lambda p: p.say(p.any(consent="given"), "withdrawn"),
    "one agrees": lambda p: p.say(p.any(), "given"),
    "one who had said nothing agrees": lambda p: p.say(p.any(consent=None), "given"),
    "one who had withdrawn agrees": lambda p: p.say(p.any(consent="withdrawn"), "given"),
    "one withdraws and agrees again": _withdraw_and_agree,
    "one is suppressed": lambda p: p.suppress(p.any()),
    "a suppression is lifted": _lift,
    "one is suppressed and that is lifted": _suppress_and_lift,
    "one complains": lambda p: p.complain(p.any()),
    "one is erased": lambda p: p.erase(p.any(is_lead=True)),
    "one stops paying": lambda p: p.describe(p.any(), plan="free"),
    "one pays for more": lambda p: p.describe(p.any(), plan="team"),
    "one pays from now on": lambda p: p.describe(p.any(), plan="pro"),
    "what one pays for is not known any more": lambda p: p.describe(p.any(), plan=None),
    "one pays for something of another kind": lambda p: p.describe(p.any(), plan=7),
    "one goes away": lambda p: p.describe(p.any(), away=True),
    "one comes back": lambda p: p.describe(p.any(), away=None),
    "one says that they are not away": lambda p: p.describe(p.any(), away=False),
    "one stops paying and pays again": _back_and_forth,
    "one has another name": lambda p: p.describe(p.any(), name="Zoe <b>"),
    "one lives in another zone": lambda p: p.describe(p.any(), timezone="Pacific/Chatham"),
    "one comes who is reached": lambda p: p.add(plan="pro", seed=p.prefix),
    "one comes who agreed to nothing": lambda p: p.add(plan="team", consent=None, seed=p.prefix),
    "one comes who is not meant": lambda p: p.add(plan="free", seed=p.prefix),
    "one comes and goes": _come_and_go,
}
