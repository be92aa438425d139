"""Stories about people: they sign up, confirm, withdraw and come back, and programs speak for them."""

from collections import Counter
from uuid import UUID

from drumbeat.core.reasons import ReasonCode
from drumbeat.core.status import Status
from tests.faults.consent import EVERY_LIST
from tests.faults.corrections import correct
from tests.faults.fault_points import NoFaults
from tests.faults.outages import pass_until
from tests.faults.sample_people import (
    ASKED,
    ASKED_OF,
    CLUB,
    Saying,
    asked_twice,
    bargain_hunter,
    come_back,
    confirmation,
    passed_on,
    sign_up,
)
from tests.faults.simulation import MINUTE, Simulation

DAY = 86_400.0
LONGER_THAN_A_REMINDER = 15 * MINUTE  # which is sent ten minutes after a letter
ADA = sign_up("ada")
SURE = confirmation(ADA)
HUNTER = bargain_hunter("hal")

ENDS = "SELECT step, status, reason_code FROM effects WHERE id = ANY (%s)"


def _subscribed(simulation: Simulation) -> None:
    """A person signs up, twice by one form, and presses the button of the mail twice: letter and receipt follow."""
    simulation.say(ADA)
    simulation.say(ADA)
    simulation.settle(prompt=True)
    simulation.confirm(ADA.effects()[ASKED])
    simulation.confirm(ADA.effects()[ASKED])
    simulation.settle(prompt=True)
    _ended(simulation, SURE, letter=None, reminder=None, receipt=None)


def _unconfirmed(simulation: Simulation) -> None:
    """A person who never confirms gets no letter, whatever a program says; who needs not confirm gets an offer."""
    simulation.say(ADA)
    simulation.say(passed_on("ada"))
    simulation.say(HUNTER)
    simulation.settle(prompt=True)
    _ended(simulation, passed_on("ada"), letter=ReasonCode.NO_CONSENT, reminder=ReasonCode.NO_CONSENT, receipt=None)
    _ended(simulation, HUNTER, offer=None)


def _withdrawn(simulation: Simulation) -> None:
    """A person withdraws between two mails of a list, twice, and uses an old link: the second mail does not come."""
    letter = _letter(simulation)
    for _ in range(2):
        simulation.withdraw(letter)
    simulation.confirm(ADA.effects()[ASKED])
    simulation.settle(prompt=True)
    _ended(simulation, SURE, reminder=ReasonCode.NO_CONSENT, receipt=None)


def _withdrawn_first(simulation: Simulation) -> None:
    """A person withdraws from every list by the link of a transactional mail's list, before anything is planned."""
    _join(simulation)
    simulation.withdraw(ADA.effects()[ASKED], of=EVERY_LIST)
    simulation.settle(prompt=True)
    _ended(simulation, SURE, letter=ReasonCode.NO_CONSENT, reminder=ReasonCode.NO_CONSENT, receipt=None)


def _back(simulation: Simulation) -> None:
    """A person withdraws; a program and an import give nothing back; the person signs up again and confirms."""
    _join(simulation)
    simulation.settle(prompt=True)
    simulation.withdraw(SURE.effects()["letter"])
    again = sign_up("ada", "ada-again")
    for said in (passed_on("ada"), passed_on("ada", door="import")):
        simulation.say(said)
        simulation.settle(prompt=True)
        _ended(simulation, said, letter=ReasonCode.NO_CONSENT, reminder=ReasonCode.NO_CONSENT, receipt=None)
    simulation.say(again)
    simulation.settle(prompt=True)
    simulation.say(confirmation(again))
    simulation.settle(prompt=True)
    _ended(simulation, confirmation(again), letter=None, reminder=None, receipt=None)


def _returned(simulation: Simulation) -> None:
    """A person leaves, and signs up again by the same showing of a page, twice: they are asked again, once."""
    _join(simulation)
    simulation.settle(prompt=True)
    back = _leave(simulation)
    for _ in range(2):
        simulation.say(ADA, meant=back)
    simulation.settle(prompt=True)
    simulation.say(confirmation(back))
    simulation.settle(prompt=True)
    _ended(simulation, back, mail=None)
    _ended(simulation, confirmation(back), letter=None, reminder=None, receipt=None)


def _returned_away(simulation: Simulation) -> None:
    """A person leaves and signs up again by the same page, all of it while the ledger is unreachable."""
    _join(simulation)
    simulation.settle(prompt=True)
    simulation.outages.ledger = True
    back = _leave(simulation)
    for _ in range(2):
        simulation.say(ADA, meant=back)
    simulation.outages.ledger = False
    simulation.settle(prompt=True)
    _ended(simulation, back, mail=None)


def _imported(simulation: Simulation) -> None:
    """An import says that people agreed, and one of them is suppressed: only the other gets the letter."""
    eve, bob = passed_on("eve", door="import"), passed_on("bob", door="import")
    simulation.suppress(bob)
    simulation.say(eve)
    simulation.say(bob)
    simulation.settle(prompt=True)
    _ended(simulation, eve, letter=None, reminder=None, receipt=None)
    _ended(simulation, bob, letter=ReasonCode.SUPPRESSED, reminder=ReasonCode.SUPPRESSED, receipt=ReasonCode.SUPPRESSED)


def _capped(simulation: Simulation) -> None:
    """A stranger signs an address up four times in a day: its owner is asked three times, and the next day again."""
    sign_ups = [sign_up("ada", f"prank-{number}") for number in range(5)]
    for one in sign_ups[:4]:
        simulation.say(one)
    simulation.settle(prompt=True)
    asked = [_reason(simulation, one.effects()[ASKED]) for one in sign_ups[:4]]
    assert Counter(asked) == {None: 3, ReasonCode.CAPPED: 1}
    simulation.advance(DAY + 3_600.0)
    simulation.say(sign_ups[4])
    simulation.settle(prompt=True)
    _ended(simulation, sign_ups[4], mail=None)


def _away(simulation: Simulation) -> None:
    """People sign up and confirm while the ledger is unreachable: what they said is buffered, and nothing is lost."""
    simulation.say(ADA)
    simulation.settle(prompt=True)
    simulation.outages.ledger = True
    simulation.say(SURE)
    simulation.say(HUNTER)
    simulation.outages.ledger = False
    simulation.settle(prompt=True)
    _ended(simulation, SURE, letter=None, reminder=None, receipt=None)


def _withdrawn_away(simulation: Simulation) -> None:
    """A person withdraws while the ledger is unreachable: nothing more of the list comes, also before any relay ran."""
    letter = _letter(simulation)
    simulation.outages.ledger = True
    simulation.withdraw(letter)
    simulation.outages.ledger = False
    simulation.advance(1.0)
    simulation.say(passed_on("ada"))
    simulation.drain()
    simulation.settle(prompt=True)
    _ended(simulation, SURE, letter=None, reminder=ReasonCode.NO_CONSENT, receipt=None)
    _ended(simulation, passed_on("ada"), letter=ReasonCode.NO_CONSENT, reminder=ReasonCode.NO_CONSENT, receipt=None)


def _withdrawn_unheard(simulation: Simulation) -> None:
    """A person withdraws while the ledger is unreachable, Redis loses the flag, and the queue of wishes fails as well.

    The relay sets the flag again: nothing more of the list comes, and what is no marketing goes on.
    """
    eve = passed_on("eve")
    letter = _letter(simulation)
    simulation.outages.ledger = True
    simulation.withdraw(letter)
    simulation.environment.redis.flushdb()
    simulation.outages.wishes, simulation.outages.ledger = True, False
    simulation.sweep()
    simulation.say(eve)
    pass_until(simulation, simulation.clock.gone + LONGER_THAN_A_REMINDER)
    _stand(simulation, SURE, reminder=Status.WAITING)
    _stand(simulation, eve, receipt=Status.ACCEPTED)
    simulation.outages.wishes = False
    simulation.settle(prompt=True)
    _ended(simulation, SURE, letter=None, reminder=ReasonCode.NO_CONSENT, receipt=None)


def _confirmed_away(simulation: Simulation) -> None:
    """A person confirms while the ledger is unreachable, twice: the letter comes once the ledger is back."""
    simulation.say(ADA)
    simulation.settle(prompt=True)
    simulation.outages.ledger = True
    for _ in range(2):
        simulation.confirm(ADA.effects()[ASKED])
    simulation.outages.ledger = False
    simulation.settle(prompt=True)
    _ended(simulation, SURE, letter=None, reminder=None, receipt=None)


def _asked_late(simulation: Simulation) -> None:
    """A list asks no more when a sign-up is planned that it was to ask about; it asks again, and the mail goes out."""
    correct(simulation, lambda: simulation.say(ADA), asks=False)
    _ended(simulation, ADA, mail=None)


def _asked_twice(simulation: Simulation) -> None:
    """A program asks a person about two lists: who has left one of them is asked about the other, and confirms that."""
    first, again, last = (asked_twice("ada", f"desk-{number}") for number in range(3))
    nothing = {"bulletin": ReasonCode.NO_CONSENT, "invitation": ReasonCode.NO_CONSENT}
    club = ASKED_OF[CLUB]
    simulation.say(first)
    simulation.settle(prompt=True)
    _ended(simulation, first, **nothing, **{ASKED: None, club: None})
    simulation.withdraw(first.effects()[club])
    simulation.say(again)
    simulation.settle(prompt=True)
    _ended(simulation, again, **nothing, **{ASKED: None, club: ReasonCode.NOT_ASKED})
    for _ in range(2):
        simulation.confirm(again.effects()[ASKED])
    simulation.settle(prompt=True)
    simulation.say(last)
    simulation.settle(prompt=True)
    not_asked = {ASKED: ReasonCode.NOT_ASKED, club: ReasonCode.NOT_ASKED}
    _ended(simulation, last, bulletin=None, invitation=ReasonCode.NO_CONSENT, **not_asked)


def _asked_twice_away(simulation: Simulation) -> None:
    """The person presses the buttons of both mails, one while the ledger is unreachable, and leaves one list again."""
    asked = asked_twice("ada")
    letter, club = (asked.effects()[step] for step in ASKED_OF.values())
    simulation.say(asked)
    simulation.settle(prompt=True)
    simulation.confirm(letter)
    simulation.outages.ledger = True
    simulation.confirm(club)
    simulation.outages.ledger = False
    simulation.settle(prompt=True)
    simulation.withdraw(letter)
    for mail in (letter, club):  # old links
        simulation.confirm(mail)
    simulation.say(last := asked_twice("ada", "desk-last"))
    simulation.settle(prompt=True)
    _ended(simulation, last, bulletin=ReasonCode.NO_CONSENT, invitation=None)


PEOPLES_STORIES = {
    "subscribed": _subscribed,
    "unconfirmed": _unconfirmed,
    "withdrawn": _withdrawn,
    "withdrawn first": _withdrawn_first,
    "back": _back,
    "returned": _returned,
    "returned away": _returned_away,
    "imported": _imported,
    "capped": _capped,
    "away": _away,
    "withdrawn away": _withdrawn_away,
    "withdrawn unheard": _withdrawn_unheard,
    "confirmed away": _confirmed_away,
    "asked late": _asked_late,
    "asked twice": _asked_twice,
    "asked twice, away": _asked_twice_away,
}


def _join(simulation: Simulation) -> None:
    """Let Ada sign up and confirm; nothing of the confirmation is planned yet."""
    simulation.say(ADA)
    simulation.settle(prompt=True)
    simulation.say(SURE)


def _stand(simulation: Simulation, saying: Saying, **statuses: Status) -> None:
    """Check how mails of an event stand now. After a fault the oracle alone knows."""
    if not isinstance(simulation.point.faults, NoFaults):
        return
    for step, status in statuses.items():
        (row,) = simulation.environment.owner.run(ENDS, ([saying.effects()[step]],))
        assert row["status"] == status, f"{step} of {saying.name} is {row['status']}"


def _letter(simulation: Simulation) -> UUID:
    """Let Ada join, and return her letter once it is planned: she has no link of it before."""
    letter = SURE.effects()["letter"]
    _join(simulation)
    simulation.drain()
    while not simulation.environment.owner.run(ENDS, ([letter],)):
        pass_until(simulation, simulation.clock.gone + MINUTE)
    return letter


def _leave(simulation: Simulation) -> Saying:
    """Let Ada leave the list of the letter, and return what has to come of her signing up by the same post."""
    withdrawal = simulation.withdraw(SURE.effects()["letter"])
    simulation.advance(1.0)  # who posts at the instant of the withdrawal has not come back by it
    return come_back(ADA, withdrawal)


def _ended(simulation: Simulation, saying: Saying, **reasons: ReasonCode | None) -> None:
    """Check how the mails of an event have ended: sent, or for a reason. After a fault the oracle alone knows."""
    if not isinstance(simulation.point.faults, NoFaults):
        return
    ended = {step: _reason(simulation, effect) for step, effect in saying.effects().items() if step in reasons}
    assert ended == reasons, f"{saying.name} ended as {ended}"


def _reason(simulation: Simulation, effect: UUID) -> ReasonCode | None:
    rows = simulation.environment.owner.run(ENDS, ([effect],))
    assert rows, f"{effect} was never planned"
    (row,) = rows
    return None if row["status"] == Status.ACCEPTED else ReasonCode(row["reason_code"])
