"""What people, programs and imports say about consent in a simulated deployment, and what has to follow from it."""

import json
from dataclasses import dataclass, replace
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.address import normalise
from drumbeat.planning.plan import IMPORTED
from tests.faults.sample_deployment import Lead

LETTER, CLUB, OFFERS = "letter", "club", "offers"
MARKETING = {
    "letter": "mail",
    "reminder": "news",
    "offer": "news",
    "bulletin": "mail",
    "invitation": "news",
}  # step -> account
ASKED = "mail"  # the step that asks a person to confirm; here that of the letter
ASKED_OF = {
    LETTER: ASKED,
    CLUB: f"{ASKED} of the club",
}  # lists that a person has to confirm -> their steps, as named here
PEOPLES_STEPS = MARKETING | {"receipt": "news"} | dict.fromkeys(ASKED_OF.values(), "news")
STEPS_OF_RUNS = {"sale": "news", "tag": "crm", "deal": "mail"}  # step -> account
PEOPLES_FLOWS = {
    "letters": ("letters", ("letter", "reminder", "receipt")),
    "crm": ("letters", ("letter", "reminder", "receipt")),
    IMPORTED: ("letters", ("letter", "reminder", "receipt")),
    "bargains": ("bargains", ("offer",)),
    "desk": ("desk", ("bulletin", "invitation")),
}  # source of a LEAD_CAPTURE -> flow and its steps


@dataclass(frozen=True, slots=True)
class Saying(Lead):
    """An event in which a person, or a program for them, says something about lists. `name` is its key."""

    person: str = "ada"
    door: str = "form"
    source: str = "letters"
    says: str = "given"
    lists: tuple[str, ...] = (LETTER,)

    @property
    def email(self) -> str:
        return f"{self.person}@{self.domain}"

    @property
    def event(self) -> UUID:
        return ids.event_id(self.source, self.name)

    @property
    def body(self) -> bytes:
        return json.dumps(
            {
                "payload": {"email": self.email, "name": self.remark or self.person},
                "consent": [{"list": name, "kind": self.says} for name in self.lists],
                "evidence": {"form": self.source},
            }
        ).encode()

    def effects(self) -> dict[str, UUID]:
        address = normalise(self.email, self.semantics)
        flow, steps = PEOPLES_FLOWS.get(self.source, ("", ())) if self.type == "LEAD_CAPTURE" else ("", ())
        asks = self.lists if self.says == "pending" or self.door == "api" else ()
        return {step: ids.effect_id(self.event, flow, step, address) for step in steps} | {
            ASKED_OF[name]: ids.effect_id(self.event, f"confirm:{name}", ASKED, address)
            for name in asks
            if name in ASKED_OF
        }


def sign_up(person: str, key: str = "") -> Saying:
    """Return what a form records that signs up for a list which has to be confirmed."""
    return Saying(key or f"{person}-signs-up", "CONSENT", person=person, says="pending")


def confirmation(of: Saying) -> Saying:
    """Return what the button of the mail records that asked about a sign-up by a form."""
    return Saying(f"confirm:{of.event}", person=of.person, door="confirm", lists=of.lists)


def come_back(saying: Saying, withdrawal: UUID) -> Saying:
    """Return what has to come of what a form records again, once its person has left."""
    return replace(saying, name=f"{saying.name}:{withdrawal}")


def bargain_hunter(person: str, key: str = "") -> Saying:
    """Return what a form records that signs up for a list without a confirmation."""
    return Saying(key or f"{person}-wants-offers", person=person, source="bargains", lists=(OFFERS,))


def passed_on(person: str, key: str = "", *, door: str = "api") -> Saying:
    """Return what a program says: that this person agreed to the letter."""
    return Saying(
        key or f"{person}-by-{door}", person=person, door=door, source=IMPORTED if door == "import" else "crm"
    )


def asked_twice(person: str, key: str = "") -> Saying:
    """Return what another program says: that this person agreed to both lists that have to be confirmed."""
    return Saying(key or f"{person}-at-the-desk", person=person, door="api", source="desk", lists=(LETTER, CLUB))
