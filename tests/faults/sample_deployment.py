"""The configuration of a simulated deployment, with accounts of every repeat class, and its leads.

With lists it is one that the release before lets wait: what stands beside that release goes without them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from drumbeat.configuration.document import compile_document
from drumbeat.core import ids
from drumbeat.core.address import normalise
from drumbeat.core.compatibility import SEMANTICS

CLASSES = {"crm": "D", "mail": "Q", "news": "K", "safe": "K", "courier": "F", "blind": "X"}  # account -> repeat class
STEPS = {
    "crm": "crm",
    "hello": "mail",
    "news": "news",
    "hook": "safe",
    "ping": "blind",
    "nudge": "mail",
    "notify": "safe",
    "parcel": "courier",
}  # step -> account
MAILS = ("hello", "news", "nudge", "parcel")

FLOWS = {
    "LEAD_CAPTURE": ("welcome", ("crm", "hello", "news", "hook", "ping", "nudge")),
    "CONTENT_PUBLISH": ("post", ("notify",)),
    "CAMPAIGN_TRIGGER": ("dispatch", ("parcel",)),
}  # type of event -> flow and its steps
FLOW_OF_FACTS = ("arrivals", ("notify",))  # acts on the people of a delivery that is split
PATHS = {
    "hook": "POST /leads",
    "ping": "POST /leads",
    "notify": "PUT /posts",
}  # targets that are not addresses

DOCUMENT = """
version: 1
defaults: {retry: {base: 1s, cap: 15m}}
accounts:
  mail:
    provider: mailgun
    settings: {domain: %(domain)s, from: "Ada <ada@example.com>"}
    secrets: {api_key: "env:SIMULATED"}
    limits: ["2/s burst 2"]
  news: {provider: resend, settings: {from: "Ada <ada@example.com>"}, secrets: {api_key: "env:SIMULATED"}}
  crm: {provider: hubspot, secrets: {token: "env:SIMULATED"}, limits: ["10/s"]}
  safe:
    provider: http
    settings: {base_url: "http://sandbox/http/safe", repeat: safe}
    secrets: {signing_key: "env:SIMULATED"}
  courier: {provider: resend, settings: {from: "Ada <ada@example.com>"}, secrets: {api_key: "env:SIMULATED"}}
  blind:
    provider: http
    settings: {base_url: "http://sandbox/http/blind"}
    secrets: {signing_key: "env:SIMULATED"}
sources:
  forms: {webhook: github, secrets: ["env:SIMULATED_WEBHOOK"], type: CONTENT_PUBLISH}
  orders: {webhook: standard_webhooks, secrets: ["env:SIMULATED_WEBHOOK"], type: CONTENT_PUBLISH}
flows:
  dispatch:
    on: CAMPAIGN_TRIGGER
    when: "source == 'shop'"
    steps:
      - id: parcel
        account: courier
        action: send_email
        with: {to: "{{ payload.email }}", subject: "On its way", text: "For {{ payload.name }}"}
  post:
    on: CONTENT_PUBLISH
    steps:
      - {id: notify, account: safe, action: call, with: {method: PUT, path: /posts, body: "{{ payload.name }}"}}
  welcome:
    on: LEAD_CAPTURE
    when: "source == 'shop'"
    steps:
      - id: crm
        account: crm
        action: upsert_contact
        with: {email: "{{ payload.email }}", properties: {firstname: "{{ payload.name }}"}}
      - id: hello
        account: mail
        action: send_email
        with: {to: "{{ payload.email }}", subject: "%(subject)s", text: "Hello {{ payload.name }}"}
      - id: news
        account: news
        action: send_email
        with: {to: "{{ payload.email }}", subject: "News", text: "For {{ payload.name }}"}
      - id: hook
        account: safe
        action: call
        with: {method: POST, path: /leads, body: "{{ payload.email }}"}
      - id: ping
        account: blind
        action: call
        with: {method: POST, path: /leads, body: "{{ payload.email }}"}
      - id: nudge
        account: mail
        action: send_email
        after: hello
        delay: 10m
        with: {to: "{{ payload.email }}", subject: "Still there?", text: "Hello again"}
"""
SPLIT = (
    (
        "sources:\n",
        """sources:
  batches:
    webhook: standard_webhooks
    secrets: ["env:SIMULATED_WEBHOOK"]
    type: LEAD_CAPTURE
    split: people
""",
    ),
    (
        "flows:\n",
        """flows:
  arrivals:
    on: LEAD_CAPTURE
    when: "source == 'batches'"
    steps:
      - {id: notify, account: safe, action: call, with: {method: PUT, path: /posts, body: "{{ payload.name }}"}}
""",
    ),
)
MORE = """
      - id: more
        account: news
        action: send_email
        with: {to: "{{ payload.email }}", subject: "And more", text: "For {{ payload.name }}"}
"""
ASKS = ", confirm: {account: news, template: confirm}"
# What the release before does not know: a provider of class F, and sources that report what became of mails.
WITH_REPORTS = (
    (
        """  courier: {provider: resend, settings: {from: "Ada <ada@example.com>"}, secrets: {api_key: "env:SIMULATED"}}
""",
        """  courier:
    provider: ses
    settings: {region: eu-central-1, from: "Ada <ada@example.com>", configuration_set: drumbeat}
    secrets: {access_key_id: "env:SIMULATED", secret_access_key: "env:SIMULATED"}
""",
    ),
    (
        "sources:\n",
        "sources:\n"
        + "".join(
            f'  {account}-reports:\n    webhook: standard_webhooks\n    secrets: ["env:SIMULATED_WEBHOOK"]\n'
            f"    type: FEEDBACK\n    speaks_for: {account}\n"
            for account in ("mail", "news", "courier")
        ),
    ),
)
# Where lists, forms and their flows stand in the document; `sample_people` has who signs up.
WITH_LISTS = (
    (
        "defaults: {",
        'defaults: {public_url: "https://news.example.com", postal_address: "1 Example Street, Example", ',
    ),
    (
        "sources:\n",
        """lists:
  letter: {title: Letter, confirm: {account: news, template: confirm}}
  club: {title: Club, confirm: {account: news, template: confirm}}
  offers: {title: Offers}
sources:
  letters: {form: {fields: {email: required, name: optional}}, list: letter}
  bargains: {form: {fields: {email: required, name: optional}}, list: offers}
""",
    ),
    (
        "flows:\n",
        """flows:
  letters:
    on: LEAD_CAPTURE
    when: "source == 'letters' || source == 'crm' || source == 'drumbeat:import'"
    steps:
      - {id: letter, account: mail, action: send_email, with: {list: letter, MAIL}}
      - {id: reminder, account: news, action: send_email, delay: 10m, with: {list: letter, MAIL}}
      - id: receipt
        account: news
        action: send_email
        with: {to: "{{ payload.email }}", subject: "Thanks", text: "For {{ payload.name }}"}
  bargains:
    on: LEAD_CAPTURE
    when: "source == 'bargains'"
    steps:
      - {id: offer, account: news, action: send_email, with: {list: offers, MAIL}}
  desk:
    on: LEAD_CAPTURE
    when: "source == 'desk'"
    steps:
      - {id: bulletin, account: mail, action: send_email, with: {list: letter, MAIL}}
      - {id: invitation, account: news, action: send_email, with: {list: club, MAIL}}
""".replace("MAIL", 'to: "{{ payload.email }}", subject: Hello, text: "{{ unsubscribe_url }} {{ postal_address }}"'),
    ),
)
# Campaigns that reach the people of a list, by hand where nothing else is said: who signs up for `offers` is one.
SALE, DEALS = "sale", "deals"
RUNS = """audiences:
  hunters: {list: offers}
campaigns:
  sale:
    audience: hunters%(sale)s
    steps:
      - {id: sale, account: news, action: send_email, with: {list: offers, MAIL}}
  deals:
    audience: hunters
    cap: 1/7d%(deals)s
    steps:
      - {id: deal, account: mail, action: send_email, with: {list: offers, MAIL}}
      - id: tag
        account: crm
        action: upsert_contact
        with: {email: "{{ lead.email }}", properties: {firstname: Sold}}
""".replace(
    "MAIL",
    'to: "{{ lead.email }}", subject: "%(offer)s", '
    "text: \"For {{ lead.name | default('you') }} {{ unsubscribe_url }} {{ postal_address }}\"",
)
TEMPLATES = {"confirm.txt": "---\nsubject: Is it you?\n---\n{{ confirm_url }}\n"}


@cache
def compiled(**changes: Any) -> Mapping[str, Any]:
    """Return a configuration as it is stored; `semantics` are its rules, the other `changes` as in `document`."""
    rules = {"semantics": changes.pop("semantics", SEMANTICS)}
    return compile_document(document(**changes), templates(lists=changes.get("lists", False))) | rules


def templates(*, lists: bool) -> Mapping[str, str]:
    """Return the template files beside the document."""
    return TEMPLATES if lists else {}


def document(
    domain: str = "mg.example.com",
    subject: str = "Welcome",
    *,
    more: bool = False,
    broken: bool = False,
    digest: str | None = None,
    lists: bool = False,
    asks: bool = True,
    split: bool = False,
    sale: str = "",
    deals: str = "",
    offer: str = "An offer",
) -> str:
    """Return a configuration as it is written.

    Another domain is another login, another subject gives other bytes; `more` adds a step, `broken` uses a field that
    no event has, `digest` is the schedule of a campaign of that name, and `split` adds a source whose deliveries are.
    With `lists`, people sign up for some; one of them `asks` them to confirm, providers report, and there are campaigns
    for audiences, `sale` and `deals`, with these fields more, whose mails have `offer` for a subject.
    """
    text = DOCUMENT % {"domain": domain, "subject": subject} + (MORE if more else "")
    for before, after in (*((*WITH_LISTS, *WITH_REPORTS) if lists else ()), *(SPLIT if split else ())):
        assert text.count(before) == 1
        text = text.replace(before, after)
    text = text if asks else text.replace(ASKS, "")
    more_lines = {"sale": _lines(sale), "deals": _lines(deals), "offer": offer}
    text += RUNS % more_lines if lists else "campaigns:\n" if digest else ""
    text += f"  digest: {{schedule: {digest}}}\n" if digest else ""
    return text.replace('email: "{{ payload.email }}"', 'email: "{{ payload.mail }}"') if broken else text


def _lines(fields: str) -> str:
    return "".join(f"\n    {field}" for field in fields.split("; ") if field)


@dataclass(frozen=True, slots=True)
class Lead:
    """A person who signs up once; or, of another type, any other event that is sent once."""

    name: str
    type: str = "LEAD_CAPTURE"
    remark: str = ""  # another remark gives another body under the same key
    domain: str = "example.com"
    semantics: int = SEMANTICS  # the rules by which it is expected to be planned

    @property
    def email(self) -> str:
        return f"{self.name}@{self.domain}"

    @property
    def event(self) -> UUID:
        return ids.event_id("shop", self.name)

    @property
    def body(self) -> bytes:
        """The request; every repeat of it is the same."""
        return json.dumps(
            {
                "type": self.type,
                "source": "shop",
                "payload": {"email": self.email, "name": self.name, "remark": self.remark},
                "idempotencyKey": self.name,
            }
        ).encode()

    @property
    def flow(self) -> tuple[str, tuple[str, ...]]:
        """The flow that acts on it, and its steps."""
        return FLOWS[self.type]

    def effects(self) -> dict[str, UUID]:
        """Return the id of each step's effect, computed without the ledger."""
        flow, steps = self.flow
        address = normalise(self.email, self.semantics)
        return {step: ids.effect_id(self.event, flow, step, PATHS.get(step, address)) for step in steps}


@dataclass(frozen=True, slots=True)
class Recorded(Lead):
    """A lead whose event has an id that only the ledger knows: a delivery's key is its source's affair."""

    id: UUID = field(kw_only=True)

    @property
    def event(self) -> UUID:
        return self.id

    @property
    def flow(self) -> tuple[str, tuple[str, ...]]:
        return FLOW_OF_FACTS if self.type == "LEAD_CAPTURE" else FLOWS[self.type]
