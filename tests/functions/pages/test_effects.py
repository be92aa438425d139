"""The pages of effects: the list, one effect, what was sent, and what a person decides about it."""

from uuid import UUID

import pytest

from drumbeat.core.status import Status
from drumbeat.ledger import stops
from drumbeat.ledger.database import Database
from tests.conftest import TestDatabase
from tests.functions.pages.effects_rows import LINK, TOKEN, ended, given_up, held, sent, sign_in_as_clerk, unsure
from tests.functions.pages.visitor import Visitor
from tests.store.rows import claimed, journal, status, waiting


def version(db: Database, effect: UUID) -> str:
    return str(db.run("SELECT seq FROM effects WHERE id = %s", (effect,))[0]["seq"])


@pytest.fixture
def operator(visitor: Visitor) -> Visitor:
    """A browser of a person who may see and decide everything."""
    visitor.sign_in("read", "people", "operate")
    return visitor


def test_the_list_has_effects_of_every_status_and_is_narrowed_by_its_address(
    operator: Visitor, database: TestDatabase
) -> None:
    effects = {
        "accepted": ended(database, Status.ACCEPTED, account="crm"),
        "refused": ended(database, Status.REFUSED),
        "held": held(database),
        "unknown": unsure(database),
        "sending": sent(database),
        "waiting": waiting(database),
    }
    taken = waiting(database)
    claimed(database, taken)

    every = operator.get("/effects").html
    refused = operator.get("/effects?status=refused").html

    for word, effect in effects.items():
        assert f'href="/effects/{effect}"' in every
        shown = operator.get(f"/effects?status={word}").html
        assert f'href="/effects/{effect}"' in shown
    assert f'href="/effects/{taken}"' in operator.get("/effects?status=claimed").html
    assert "no mailbox carl@example.org" in refused
    assert str(effects["held"]) not in refused
    assert str(effects["accepted"]) in operator.get("/effects?account=crm").html
    assert "cause=unprovable" in operator.get("/effects?status=held").html
    assert str(effects["held"]) in operator.get("/effects?cause=unprovable").html
    assert str(effects["refused"]) not in operator.get("/effects?cause=unprovable").html
    assert "drumbeat effects --status refused" in refused
    assert operator.get("/effects?status=nonsense").status == 400


def test_the_list_leaves_as_csv_and_says_what_to_do_when_there_is_nothing(
    operator: Visitor, database: TestDatabase
) -> None:
    assert "No effects yet" in operator.get("/effects").html
    effect = ended(database, Status.REFUSED)

    table = operator.get("/effects?status=refused&format=csv")

    assert table.headers["Content-Type"].startswith("text/csv")
    assert table.html.splitlines()[0].startswith("effectId,eventId,")
    assert str(effect) in table.html


def test_who_may_not_see_persons_is_shown_none_and_no_mail(visitor: Visitor, database: TestDatabase) -> None:
    sign_in_as_clerk(visitor, "read")
    refused, mail = ended(database, Status.REFUSED), sent(database)

    for path in ("/effects", f"/effects/{refused}", f"/effects/{mail}", "/effects?status=refused&format=csv"):
        shown = visitor.get(path)
        assert shown.status == 200
        assert "@example" not in shown.html
    assert "Ferns" not in visitor.get(f"/effects/{mail}").html
    assert visitor.get(f"/effects/{mail}/mail").status == 403


def test_an_effect_is_found_by_the_beginning_of_its_id(operator: Visitor, database: TestDatabase) -> None:
    effect = waiting(database)

    assert f"<code>{effect}</code>" in operator.get(f"/effects/{str(effect)[:8]}").html
    assert operator.get("/effects/00000000").status == 404
    assert operator.get("/effects/nonsense").status == 400


def test_the_mail_is_framed_where_nothing_of_it_can_act(operator: Visitor, database: TestDatabase) -> None:
    effect = sent(database)

    page, mail = operator.get(f"/effects/{effect}"), operator.get(f"/effects/{effect}/mail")

    assert "Ferns &amp; more" in page.html
    assert f'sandbox="" src="/effects/{effect}/mail"' in page.html
    assert "content-type: application/json" in page.html
    assert "<p>Good <b>morning</b></p>" in mail.html
    policy = mail.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "frame-ancestors 'self'" in policy
    assert "script" not in policy
    assert TOKEN not in page.html + mail.html
    assert LINK not in page.html + mail.html
    assert operator.get(f"/effects/{waiting(database)}/mail").status == 404


@pytest.mark.parametrize(("decision", "to"), [("resend", "waiting"), ("accepted", "accepted"), ("drop", "cancelled")])
def test_a_held_effect_is_decided_as_it_was_looked_at(
    operator: Visitor, database: TestDatabase, decision: str, to: str
) -> None:
    effect = held(database)
    seen = version(database, effect)
    asked = {"decision": decision, "reason": "I looked", "version": seen}

    page = operator.get(f"/effects/{effect}")
    assert f'name="version" value="{seen}"' in page.html
    done = operator.post(f"/effects/{effect}/resolve", token=page.token, **asked)
    again = operator.post(f"/effects/{effect}/resolve", token=page.token, **asked)

    assert (done.status, done.location.partition("?")[0]) == (303, f"/effects/{effect}")
    assert status(database, effect) == to
    (entry,) = database.run(
        "SELECT actor, reason_detail FROM journal WHERE effect_id = %s ORDER BY seq DESC LIMIT 1", (effect,)
    )
    assert entry == {"actor": "person:ada", "reason_detail": "I looked"}
    assert again.status == 409
    assert "nothing was changed" in again.html
    assert journal(database, effect)[-1] == f"held>{to}"
    assert 'role="status"' in operator.get(done.following).html


def test_what_may_have_been_carried_out_is_sent_again_only_where_that_is_said(
    operator: Visitor, database: TestDatabase
) -> None:
    effect = given_up(database)
    asked = {"reason": "they say nothing came", "version": version(database, effect)}
    page = operator.get(f"/effects/{effect}")

    assert 'name="evenIfSent"' in page.html
    assert operator.post(f"/effects/{effect}/redrive", token=page.token, **asked).status == 409
    assert status(database, effect) == "cancelled"
    assert operator.post(f"/effects/{effect}/redrive", token=page.token, evenIfSent="on", **asked).status == 303
    assert status(database, effect) == "waiting"


def test_what_waits_is_cancelled_and_an_older_look_at_it_is_refused(operator: Visitor, database: TestDatabase) -> None:
    effect = waiting(database)

    assert operator.post(f"/effects/{effect}/cancel", reason="enough", version="0").status == 409
    assert operator.post(f"/effects/{effect}/cancel", reason="enough", version="x").status == 400
    assert operator.post(f"/effects/{effect}/cancel", reason=" ", version="1").status == 400
    assert status(database, effect) == "waiting"
    assert operator.post(f"/effects/{effect}/cancel", reason="enough", version=version(database, effect)).status == 303
    assert status(database, effect) == "cancelled"


def test_a_reader_is_offered_no_decision_and_none_comes_from_elsewhere(
    visitor: Visitor, database: TestDatabase
) -> None:
    effect = held(database)
    asked = {"decision": "drop", "reason": "mine", "version": version(database, effect)}
    visitor.sign_in("read", "operate")
    token = visitor.get(f"/effects/{effect}").token
    path = f"/effects/{effect}/resolve"

    assert visitor.post(path, token=None, **asked).status == 403
    assert visitor.post(path, token=token, headers={"origin": "https://evil.example"}, **asked).status == 403
    visitor.sign_in("read", id="eve")
    assert "<form" not in visitor.get(f"/effects/{effect}").html.partition('id="main"')[2]
    assert visitor.post(path, token=None, **asked).status == 403
    assert status(database, effect) == "held"


def test_an_effect_says_who_has_stopped_its_account(operator: Visitor, database: TestDatabase) -> None:
    effect = waiting(database)
    stops.stop(database, "mail", reason="the domain is being moved", actor="person:bob")

    assert (
        "Its account was stopped by person:bob: the domain is being moved." in operator.get(f"/effects/{effect}").html
    )


def test_at_home_a_mail_leads_to_the_inbox_of_the_sandbox(operator: Visitor, database: TestDatabase) -> None:
    effect = sent(database)

    assert f"http://127.0.0.1:1/?q={effect}" in operator.get(f"/effects/{effect}").html
