"""Histories of people whose wishes come at the worst moment, and how each must end."""

from collections.abc import Mapping

from drumbeat.operations.decisions import Decision
from tests.faults.fault_points import Site
from tests.faults.outages import pass_until
from tests.faults.queues import EFFECTS
from tests.faults.sample_people import ASKED, LETTER, Saying, bargain_hunter, confirmation, passed_on, sign_up
from tests.faults.scenarios import Scenario, pause_at
from tests.faults.simulation import MINUTE, Simulation

ADA, BOB, CYD = (confirmation(sign_up(name)) for name in ("ada", "bob", "cyd"))
HUNTER = bargain_hunter("ada")
AHEAD_SECONDS = 600.0
OPENS, PLANS = Site("worker", "db attempts.OPEN", 1), Site("worker", "db plans.RECORD", 1)
NO_LETTERS = dict.fromkeys(("letter", "reminder"), "cancelled")
COMPLAINED = "UPDATE contacts SET complained_at = drumbeat_now() WHERE consents ? %s RETURNING key"


def _join(simulation: Simulation, *people: Saying) -> None:
    """Let people sign up and confirm; nothing of the confirmations is planned yet."""
    for person in people:
        simulation.say(sign_up(person.person))
    simulation.settle()
    for person in people:
        simulation.say(person)


def _withdrawn_just_in_time(simulation: Simulation) -> None:
    """One of three people withdraws when a worker has claimed the letters of all and not opened them yet."""
    _join(simulation, ADA, BOB, CYD)
    pause_at(simulation, OPENS, lambda: simulation.withdraw(ADA.effects()["letter"]))
    simulation.settle()


def _complained_just_in_time(simulation: Simulation) -> None:
    """A person complains at that moment: letters end, and what is not marketing goes on."""
    _join(simulation, ADA)

    def complain() -> None:
        simulation.environment.owner.run(COMPLAINED, (LETTER,))

    pause_at(simulation, OPENS, complain)
    simulation.settle()


def _withdrawn_and_redriven(simulation: Simulation) -> None:
    """A person withdraws, and another lets the letters be sent after all: they are not."""
    _withdrawn_just_in_time(simulation)
    simulation.decide(Decision.REDRIVE)
    simulation.settle()


def _planned_twice(simulation: Simulation) -> None:
    """Two workers plan a confirmation at the same time, and the person has withdrawn before the second one's record."""
    _join(simulation, ADA)

    def meanwhile() -> None:
        for message in simulation.queues.queues[EFFECTS]:
            message.visible_at = simulation.clock.gone  # the same wake-up once more
        simulation.drain("worker 2")
        simulation.withdraw(ADA.effects()["letter"])

    pause_at(simulation, PLANS, meanwhile)
    simulation.settle()


def _passed_on_late(simulation: Simulation) -> None:
    """A program says that a person agreed, and its event is planned only after the person has withdrawn."""
    _join(simulation, ADA)
    simulation.settle()
    said = passed_on("ada", door="import")
    simulation.say(said)
    simulation.queues.queues[EFFECTS].clear()  # the wake-up is lost
    simulation.advance(1.0)
    simulation.withdraw(ADA.effects()["letter"])
    simulation.settle()


def _withdrawn_at_once(simulation: Simulation) -> None:
    """A person confirms and withdraws at the same instant, by the clocks: the withdrawal counts."""
    _join(simulation, ADA)
    simulation.withdraw(sign_up("ada").effects()[ASKED])
    simulation.settle()


def _unheard_and_unflagged(simulation: Simulation) -> None:
    """A person withdraws during an outage; then neither the queue that holds it answers nor Redis, which has the flag.

    A reminder is due meanwhile, and only the relay knows: it notifies no worker.
    """
    _join(simulation, ADA)
    simulation.drain()
    simulation.queues.queues[EFFECTS].clear()  # the wake-up is lost
    simulation.outages.ledger = True
    simulation.withdraw(ADA.effects()["letter"])
    simulation.outages.redis = simulation.outages.wishes = True
    simulation.outages.ledger = False
    pass_until(simulation, simulation.clock.gone + 15 * MINUTE)
    (row,) = simulation.environment.owner.run("SELECT status FROM effects WHERE id = %s", (ADA.effects()["reminder"],))
    assert row["status"] == "waiting"
    simulation.outages.redis = simulation.outages.wishes = False
    simulation.settle()


def _confirmed_late(simulation: Simulation) -> None:
    """A person confirms, withdraws a moment later, and the confirmation is planned only then."""
    _join(simulation, ADA)
    simulation.queues.queues[EFFECTS].clear()  # the wake-up is lost
    simulation.advance(1.0)
    simulation.withdraw(sign_up("ada").effects()[ASKED])
    simulation.settle()


def _confirmed_ahead(simulation: Simulation) -> None:
    """A person confirms where a clock is ahead, and withdraws where another is behind; then the former is planned."""
    simulation.say(sign_up("ada"))
    simulation.settle()
    simulation.skews |= {"page": AHEAD_SECONDS, "page 2": -AHEAD_SECONDS}
    asked = sign_up("ada").effects()[ASKED]
    simulation.confirm(asked)
    simulation.queues.queues[EFFECTS].clear()  # the wake-up is lost
    simulation.advance(1.0)
    simulation.withdraw(asked, who="page 2")
    simulation.settle()


def _signed_up_ahead(simulation: Simulation) -> None:
    """The same, of a form that needs no confirmation; its person has an old link."""
    simulation.say(bargain_hunter("ada", "before"))
    simulation.settle()
    simulation.skews |= {"page": AHEAD_SECONDS, "page 2": -AHEAD_SECONDS}
    simulation.say(HUNTER, "page")
    simulation.queues.queues[EFFECTS].clear()
    simulation.advance(1.0)
    simulation.withdraw(bargain_hunter("ada", "before").effects()["offer"], who="page 2")
    simulation.settle()


def _confirmed_ahead_away(simulation: Simulation) -> None:
    """The same while the ledger is away: it is back before the withdrawal, and the confirmation waits still."""
    simulation.say(sign_up("ada"))
    simulation.settle()
    simulation.skews |= {"page": AHEAD_SECONDS, "page 2": -AHEAD_SECONDS}
    asked = sign_up("ada").effects()[ASKED]
    simulation.outages.ledger = True
    simulation.confirm(asked)
    simulation.outages.ledger = False
    simulation.advance(1.0)
    simulation.withdraw(asked, who="page 2")
    simulation.settle()


def _withdrawn_behind_away(simulation: Simulation) -> None:
    """A person who has got a letter withdraws where a clock is behind, while the ledger is away."""
    _join(simulation, ADA)
    simulation.drain()
    simulation.advance(1.0)
    simulation.skews["page"] = -AHEAD_SECONDS
    simulation.outages.ledger = True
    simulation.withdraw(ADA.effects()["letter"])
    simulation.outages.ledger = False
    simulation.settle()


PEOPLES_SCENARIOS: Mapping[str, Scenario] = {
    "a person withdraws just in time": Scenario(_withdrawn_just_in_time, NO_LETTERS, ADA),
    "another person goes on": Scenario(_withdrawn_just_in_time, {}, BOB),
    "a person complains just in time": Scenario(_complained_just_in_time, NO_LETTERS, ADA),
    "letters are redriven to a person who withdrew": Scenario(_withdrawn_and_redriven, NO_LETTERS, ADA),
    "a confirmation is planned twice at once": Scenario(_planned_twice, {"reminder": "cancelled"}, ADA),
    "a person withdraws at the instant of confirming": Scenario(_withdrawn_at_once, NO_LETTERS, ADA),
    "neither the queue of a withdrawal nor Redis answers": Scenario(
        _unheard_and_unflagged, {"reminder": "cancelled"}, ADA
    ),
    "a confirmation is planned after its withdrawal": Scenario(_confirmed_late, NO_LETTERS, ADA),
    "a confirmation of a clock that is ahead is planned after its withdrawal": Scenario(
        _confirmed_ahead, NO_LETTERS, ADA
    ),
    "a form that a clock ahead took is planned after a withdrawal": Scenario(
        _signed_up_ahead, {"offer": "cancelled"}, HUNTER
    ),
    "a confirmation waited whose clock is ahead": Scenario(_confirmed_ahead_away, NO_LETTERS, ADA),
    "a withdrawal waited whose clock is behind": Scenario(_withdrawn_behind_away, {"reminder": "cancelled"}, ADA),
    "a program's word is planned after a withdrawal": Scenario(
        _passed_on_late, NO_LETTERS, passed_on("ada", door="import")
    ),
}
