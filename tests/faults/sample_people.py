"""What people, programs and imports say about consent in a simulated deployment, and what has to follow from it."""

import json
from dataclasses import dataclass, replace
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.address import normalise
from drumbeat.planning.plan import IMPORTED
from tests.faults.sample_deployment import Lead

LETTER, OFFERS = "letter", "offers"
MARKETING = {"letter": "mail", "reminder": "news", "offer": "news"}  # step -> account
ASKED = "mail"  # the step that asks a person to confirm
PEOPLES_STEPS = MARKETING | {"receipt": "news", ASKED: "news"}
PEOPLES_FLOWS = {
    "letters": ("letters", ("letter", "reminder", "receipt")),
    "crm": ("letters", ("letter", "reminder", "receipt")),
    IMPORTED: ("letters", ("letter", "reminder", "receipt")),
    "bargains": ("bargains", ("offer",)),
}  # source of a LEAD_CAPTURE -> flow and its steps
CONFIRMED_LISTS = (LETTER,)  # those that a person has to confirm


@dataclass(frozen=True, slots=True)
class Saying(Lead):
    """An event in which a person, or a program for them, says something about a list. `name` is its key."""

    person: str = "ada"
    door: str = "form"
    source: str = "letters"
    says: str = "given"
    list: str = LETTER

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
                "consent": [{"list": self.list, "kind": self.says}],
                "evidence": {"form": self.source},
            }
        ).encode()

    def effects(self) -> dict[str, UUID]:
        address = normalise(self.email, self.semantics)
        flow, steps = PEOPLES_FLOWS.get(self.source, ("", ())) if self.type == "LEAD_CAPTURE" else ("", ())
        asks = self.says == "pending" or (self.door == "api" and self.list in CONFIRMED_LISTS)
        return {step: ids.effect_id(self.event, flow, step, address) for step in steps} | (
            {ASKED: ids.effect_id(self.event, f"confirm:{self.list}", ASKED, address)} if asks else {}
        )


def sign_up(person: str, key: str = "") -> Saying:
    """Return what a form records that signs up for a list which has to be confirmed."""
    return Saying(key or f"{person}-signs-up", "CONSENT", person=person, says="pending")


def confirmation(of: Saying) -> Saying:
    """Return what the button of the mail records that asked about a sign-up."""
    return Saying(f"confirm:{of.event}", person=of.person, door="confirm", list=of.list)


def come_back(saying: Saying, withdrawal: UUID) -> Saying:
    """Return what has to come of what a form records again, once its person has left."""
    return replace(saying, name=f"{saying.name}:{withdrawal}")


def bargain_hunter(person: str, key: str = "") -> Saying:
    """Return what a form records that signs up for a list without a confirmation."""
    return Saying(key or f"{person}-wants-offers", person=person, source="bargains", list=OFFERS)


def passed_on(person: str, key: str = "", *, door: str = "api") -> Saying:
    """Return what a program says: that this person agreed to the letter."""
    return Saying(
        key or f"{person}-by-{door}", person=person, door=door, source=IMPORTED if door == "import" else "crm"
    )
