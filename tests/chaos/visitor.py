"""What one person does at the public doors, and what programs say about them, each until it is acknowledged."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlencode
from uuid import UUID

from drumbeat.core import ids
from drumbeat.core.configuration import CONFIRM, CONFIRM_STEP
from drumbeat.local.frames import Json
from drumbeat.public.forms import BUCKET_SECONDS
from drumbeat.public.stamps import PERSON_SECONDS
from tests.chaos.connection import TIMEOUT_SECONDS, Connection
from tests.chaos.inboxes import Inboxes, Mail
from tests.chaos.people import CLUB, CONFIRMED, LETTER, OFFERS, Confirmation, Person, Return, Said, SignUp, Withdrawal

FORMS = {LETTER: "letters", OFFERS: "bargains"}
PROGRAM = "crm"  # source of what programs say
ONE_CLICK = b"List-Unsubscribe=One-Click"
LOOK_SECONDS = 0.3
EDITION_SECONDS = 3.0  # until the next one, if none came
OUTAGE_SHARE = 0.4  # of the people leave while Postgres is away, if it is
OUTAGE_SECONDS = 60.0  # for which they wait for that
_STAMP = re.compile(r'name="_page" value="([^"]+)"')


class Stopped(Exception):
    """The trial is over."""


@dataclass(frozen=True, slots=True)
class Patience:
    """What people wait for."""

    outage: threading.Event  # Postgres is away
    calm: threading.Event = field(default_factory=threading.Event)  # nothing will be broken any more
    stopping: threading.Event = field(default_factory=threading.Event)  # the trial is over


class Visitor:
    """One person."""

    def __init__(
        self,
        person: Person,
        address: str,
        api_key: str,
        inboxes: Inboxes,
        said: Said,
        lock: threading.Lock,
        patience: Patience,
    ) -> None:
        self._person = person
        self._random = Random(person.seed)
        self._inboxes = inboxes
        self._said = said
        self._lock = lock
        self._patience = patience
        form = {"content-type": "application/x-www-form-urlencoded"}
        self._form = Connection(address, {**form, "accept": "application/json", "connection": "close"})
        self._browser = Connection(address, {**form, "accept": "text/html", "connection": "close"})
        authorized = {"authorization": f"Bearer {api_key}", "content-type": "application/json", "connection": "close"}
        self._program = Connection(address, authorized)
        self._marks = 0

    def live(self) -> None:
        """Do all that this kind of person does, in its order; ends early when the trial is over."""
        try:
            self._wait(self._person.at)
            self._ways()[self._person.way]()
        except Stopped:
            return
        with self._lock:
            self._said.finished[self._person.way] += 1

    # ------------------------------------------------------------ ways

    def _ways(self) -> Mapping[str, Callable[[], None]]:
        return {
            "reader": self._read,
            "hunter": self._hunt,
            "passed on": self._be_passed_on,
            "picky": self._pick,
            "impatient": self._insist,
        }

    def _read(self) -> None:
        self._confirm(self._sign_up(LETTER))
        self._stay_and_leave(LETTER)
        if self._random.random() < 0.6:
            self._come_back(LETTER)
            self._confirm(self._sign_up(LETTER))
            self._stay_and_leave(LETTER)

    def _hunt(self) -> None:
        self._sign_up(OFFERS)
        self._stay_and_leave(OFFERS)
        if self._random.random() < 0.6:
            self._come_back(OFFERS)
            self._sign_up(OFFERS)
            self._edition(OFFERS)

    def _be_passed_on(self) -> None:
        name = self._random.choice([LETTER, OFFERS])
        pending = self._pass_on(name)
        if name in CONFIRMED:
            self._confirm(pending, name)
            self._get_one(name)
        self._stay_and_leave(name)
        self._pass_on(name)  # whom no program gives back
        self._edition(name)

    def _pick(self) -> None:
        """Be signed up for two lists, and confirm one of them; at times the other one, too, once the first was left."""
        pending = self._pass_on(LETTER, CLUB)
        names = [LETTER, CLUB]
        self._random.shuffle(names)
        self._confirm(pending, names[0])
        self._edition(names[1])
        self._get_one(names[0])
        self._stay_and_leave(names[0])
        if self._random.random() < 0.5:
            self._confirm(pending, names[1])
            self._get_one(names[1])
            self._stay_and_leave(names[1])

    def _insist(self) -> None:
        for _ in range(5):
            self._sign_up(LETTER)
            self._wait(self._random.uniform(0, 0.5))

    def _get_one(self, name: str) -> None:
        """Wait for an edition: what a program asked about and was confirmed causes no mail by itself."""
        while not self._inboxes.of(self._person.email, name):
            self._edition(name)
            self._wait(EDITION_SECONDS)

    def _stay_and_leave(self, name: str) -> None:
        """Get some editions, and leave in the middle of one."""
        for _ in range(self._random.randint(0, 2)):
            self._edition(name)
            self._wait(self._random.uniform(0, 1))
        mails = self._until(lambda: self._inboxes.of(self._person.email, name))
        self._edition(name)
        if self._random.random() < OUTAGE_SHARE:
            self._wait_for_an_outage()
        else:
            self._wait(self._random.choice([0.0, self._random.uniform(0, 3)]))
        self._leave(self._random.choice(mails))
        self._edition(name)

    # ------------------------------------------------------------ doors

    def _sign_up(self, name: str) -> UUID:
        """Post a form until it is acknowledged: the one that our page shows, or one of another site."""
        source, email, mark = FORMS[name], self._person.email, self._mark()
        fields = {"email": email, "mark": mark}
        if ours := self._random.random() < 0.5:
            fields["_page"] = _stamp(self._repeat(self._browser, "GET", f"/f/{source}"))
            self._wait(PERSON_SECONDS + 0.1)
        began = time.time()
        answer = self._repeat(self._form, "POST", f"/v1/forms/{source}", urlencode(fields).encode())
        # A post whose answer never came may still be carried out.
        buckets = int(time.time() + TIMEOUT_SECONDS) // BUCKET_SECONDS - int(began) // BUCKET_SECONDS
        event = UUID(json.loads(answer)["eventId"])
        with self._lock:
            self._said.sign_ups[event] = SignUp(email, (name,), source, mark, 1 if ours else 1 + buckets)
        return event

    def _confirm(self, pending: UUID, name: str = LETTER) -> None:
        """Press the button of the mail; some do it so fast that they are asked to press again."""
        asking = ids.effect_id(pending, f"{CONFIRM}{name}", CONFIRM_STEP, self._person.email)
        mail = self._until(lambda: self._inboxes.asking(asking))
        page = self._repeat(self._browser, "GET", f"/c/{mail.token}")
        seconds = PERSON_SECONDS + 0.1 if self._random.random() < 0.8 else 0.1
        while stamp := _STAMP.search(page):
            self._wait(seconds)
            page = self._repeat(self._browser, "POST", f"/c/{mail.token}", urlencode({"_page": stamp[1]}).encode())
            with self._lock:
                self._said.asked_again += bool(_STAMP.search(page))
            seconds = PERSON_SECONDS + 0.1
        with self._lock:
            source = self._said.sign_ups[pending].source
            named = asking if source == PROGRAM else pending
            self._said.confirmed[ids.event_id(source, f"confirm:{named}")] = Confirmation(pending, name)

    def _leave(self, mail: Mail) -> None:
        """Let the mailbox provider post for them, as RFC 8058 has it."""
        self._repeat(self._browser, "POST", f"/u/{mail.token}", ONE_CLICK)
        with self._lock:
            self._said.withdrawals.append(Withdrawal(self._person.email, mail.list, mail.id, time.time()))

    def _come_back(self, name: str) -> None:
        self._wait(self._random.uniform(0, 3))
        with self._lock:
            self._said.returns.append(Return(self._person.email, name, time.time()))

    def _edition(self, name: str) -> UUID:
        """Let a program cause mails of a list, whether the person is on it or not."""
        event = self._post({"kind": name})
        with self._lock:
            self._said.editions.add(event)
        return event

    def _pass_on(self, *names: str) -> UUID:
        """Let a program say that the person agreed to lists."""
        mark = f"{self._marks + 1}"
        event = self._post({"kind": names[0]}, {"consent": [{"list": name, "text": "By phone"} for name in names]})
        with self._lock:
            self._said.sign_ups[event] = SignUp(self._person.email, names, PROGRAM, mark)
        return event

    def _post(self, about: dict[str, Json], more: dict[str, Json] | None = None) -> UUID:
        mark = self._mark()
        payload = {"email": self._person.email, "name": self._person.name, "mark": mark, **about}
        body = {"type": "LEAD_CAPTURE", "source": PROGRAM, "payload": payload, **(more or {})}
        body["idempotencyKey"] = f"{self._person.name}:{mark}"
        answer = self._repeat(self._program, "POST", "/v1/events", json.dumps(body).encode())
        return UUID(json.loads(answer)["eventId"])

    def _mark(self) -> str:
        self._marks += 1
        return str(self._marks)

    # ------------------------------------------------------------ patience

    def _repeat(self, connection: Connection, method: str, path: str, body: bytes = b"") -> str:
        """Make a request until its answer is a good one, and return that. Raises Stopped."""
        while True:
            status, text = connection.send(method, path, body)
            connection.close()
            with self._lock:
                self._said.answers[f"{status}"] += bool(status)
                if 400 <= status < 500:
                    door = path.rpartition("/")[0]
                    self._said.refused[f"{status} for {method} {door} of {self._person.name}: {text[:200]}"] += 1
            if 200 <= status < 300:
                return text
            self._wait(self._random.uniform(0.2, 2.0))

    def _until[T](self, found: Callable[[], T | None]) -> T:
        """Look again and again until something is there. Raises Stopped."""
        while not (it := found()):
            self._wait(LOOK_SECONDS)
        return it

    def _wait_for_an_outage(self) -> None:
        """Wait for a while until Postgres is away: a withdrawal then waits in its queue."""
        until = time.monotonic() + OUTAGE_SECONDS
        while not (self._patience.outage.is_set() or self._patience.calm.is_set()) and time.monotonic() < until:
            self._wait(LOOK_SECONDS)

    def _wait(self, seconds: float) -> None:
        if self._patience.stopping.wait(seconds):
            raise Stopped


def _stamp(page: str) -> str:
    found = _STAMP.search(page)
    assert found is not None, "the page of a form has no stamp"
    return found[1]
