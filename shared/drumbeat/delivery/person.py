"""What a plan says about the person of its event, as the ledger keeps it."""

from drumbeat.core.address import keys_of
from drumbeat.core.clock import microseconds
from drumbeat.core.events import Event
from drumbeat.delivery.plans_sql import Person
from drumbeat.planning.plan import Plan
from drumbeat.services import Services


def person_of(event: Event, plan: Plan, services: Services) -> Person | None:
    """Return what the ledger keeps of the person that an event names; None: it names none."""
    people = plan.people
    if people.address is None:
        return None
    keys, lead = keys_of(services.contact_secret, people.address, plan.semantics), people.lead
    stamp = {"t": microseconds(event.received_at), "e": str(event.id)}
    return Person(
        contact=keys.today,
        former=keys.former,
        received_at=event.received_at,
        address={"v": people.address} | stamp if lead else None,
        attributes={
            **{name: {"v": value} | stamp for name, value in (lead.attributes if lead else {}).items()},
            **{name: {"u": True} | stamp for name in (lead.removed if lead else ())},
        },
        refused=dict.fromkeys(lead.refused if lead else (), stamp),
        consents=tuple((said.list, said.kind.value, said.by_person) for said in people.consents),
    )
