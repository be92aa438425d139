"""One mail through a configured account, so that a person can look at what arrives."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from drumbeat.core import check_mails, fingerprint, ids
from drumbeat.core.address import keys_of, mailbox, normalise
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Account, Config
from drumbeat.core.errors import Invalid, InvalidAddress, KeyReused, NotFound, TooLarge
from drumbeat.core.events import Arrival, EventType
from drumbeat.core.steps import Step
from drumbeat.core.suggestions import instead
from drumbeat.ingest import recording
from drumbeat.ingest.door import Door
from drumbeat.ingest.receipt import RECORDED, Receipt
from drumbeat.ingest.request import MAX_EVENT_BYTES
from drumbeat.ledger import configs
from drumbeat.planning.check_mails import SINCE, sends_mail
from drumbeat.providers.login import in_sandbox
from drumbeat.services import Services
from drumbeat.views import person

_NOTHING = "Nothing was recorded and nothing was sent."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mail that is asked for; `payload` is what a template sees beside the address.

    `campaign`: the mails of that campaign instead, filled with what is known of the address, and `payload` over it.
    """

    to: str
    account: str | None = None
    list: str | None = None
    template: str | None = None
    payload: Mapping[str, Any] | None = None
    campaign: str | None = None


@dataclass(frozen=True, slots=True)
class CheckMail:
    """What was recorded; `sandbox` is where the mail arrives when the account talks to the local sandbox."""

    receipt: Receipt
    account: Account
    sandbox: str | None


def send_check_mail(wanted: Wanted, key: str, *, actor: str, services: Services) -> CheckMail:
    """Record an event that asks for one mail. It is carried out once, as all that is recorded; so is a repeat of `key`.

    It is a mail as any other: an address that is suppressed gets none, and one of a list goes to a person who agreed
    to that list.

    Raises:
        TooLarge: the payload is larger than that of an event may be.
        NotFound: no such account, list or template is in force, or no configuration.
        Invalid: no address, several accounts of which none is named, or a list that cannot send yet.
        KeyReused: the key belongs to another mail.
        psycopg.OperationalError: the ledger is unreachable; whether it was recorded is then unknown, so repeat it.
    """
    config = configs.newest(services.db)
    if config is None:
        raise NotFound(f"No configuration was applied yet. {_NOTHING} Run `drumbeat apply` first.")
    if wanted.campaign is not None:
        step = _previewed(wanted, wanted.campaign, config)
        account = _account(step.account, config)
        of_list = step.arguments.get("list")
        wanted = replace(wanted, list=str(of_list) if of_list else None)
    else:
        account = _account(wanted.account, config)
    _check(wanted, config, services)
    arrival = _arrival(wanted, account.name, key, actor, services)
    recorded = recording.record(arrival, Door(services))
    if recorded.fingerprint != arrival.fingerprint:
        raise KeyReused(f"This idempotency key belongs to another mail, event {arrival.id}. {_NOTHING}", arrival.id)
    sandbox = services.settings.sandbox_url if in_sandbox(account, services.settings.sandbox_url) else None
    return CheckMail(Receipt(arrival.id, RECORDED, replayed=not recorded.inserted), account, sandbox)


def _account(name: str | None, config: Config) -> Account:
    mailing = {each.name: each for each in config.accounts.values() if sends_mail(each)}
    if name is not None:
        if name not in mailing:
            raise NotFound(f"No account that sends mail is called {name[:64]}; {instead(name, mailing)}. {_NOTHING}")
        return mailing[name]
    if not mailing:
        raise NotFound(f"No account in force sends mail. {_NOTHING}")
    if len(mailing) > 1:
        raise Invalid(f"Several accounts send mail: say which, {', '.join(sorted(mailing))}. {_NOTHING}")
    return next(iter(mailing.values()))


def _check(wanted: Wanted, config: Config, services: Services) -> None:
    try:
        mailbox(wanted.to)
    except InvalidAddress as error:
        raise Invalid(f"`to` is not an address: {error}. {_NOTHING}") from None
    if config.semantics < SINCE:
        raise Invalid(f"The configuration in force was applied by an earlier release. {_NOTHING} Apply it once more.")
    if wanted.template is not None and wanted.template not in config.templates:
        raise NotFound(
            f"No template is called {wanted.template[:64]}; {instead(wanted.template, config.templates)}. {_NOTHING}"
        )
    if wanted.list is None:
        return
    if wanted.list not in config.lists:
        raise NotFound(f"No list is called {wanted.list[:64]}; {instead(wanted.list, config.lists)}. {_NOTHING}")
    if not (config.public_url or services.settings.public_url) or not config.postal_address:
        raise Invalid(
            "A mail of a list needs `public_url` and `postal_address` under `defaults`: without them people could not"
            f" leave it. {_NOTHING}"
        )


def _previewed(wanted: Wanted, campaign: str, config: Config) -> Step:
    """Return the first mail of a campaign."""
    if wanted.account or wanted.list or wanted.template:
        raise Invalid(f"`campaign` says account, list and template itself: leave them out. {_NOTHING}")
    if campaign not in config.campaigns:
        raise NotFound(f"No campaign is called {campaign[:64]}; {instead(campaign[:64], config.campaigns)}. {_NOTHING}")
    flow = config.flow(check_mails.preview_flow(campaign))
    if flow is None:
        raise Invalid(f"campaign {campaign} has no step that sends a mail. {_NOTHING}")
    return flow.steps[0]


def _payload(wanted: Wanted, services: Services) -> dict[str, Any]:
    if wanted.campaign is None:
        return {**(wanted.payload or {}), "email": wanted.to}
    address = normalise(wanted.to, SEMANTICS)
    keys = keys_of(services.contact_secret, address).known
    known = person(services.db, keys=keys, reading=lambda *_: None, fits=lambda _: False)
    attributes = {each.name: each.value for each in known.attributes} if known else {}
    now = services.clock.now().isoformat(timespec="seconds")
    lead = {**attributes, **(wanted.payload or {})}
    return {"email": wanted.to, "lead": lead, "scheduledAt": now, "local": now}


def _arrival(wanted: Wanted, account: str, key: str, actor: str, services: Services) -> Arrival:
    payload = _payload(wanted, services)
    shown = wanted.campaign
    flow = check_mails.preview_flow(shown) if shown else check_mails.flow_name(account, wanted.list, wanted.template)
    event = {"type": EventType.CONSENT, "source": check_mails.SOURCE, "payload": payload, "check": flow}
    raw = json.dumps({**event, "askedBy": actor}, ensure_ascii=False, separators=(",", ":")).encode()
    if len(raw) > MAX_EVENT_BYTES:
        raise TooLarge(f"An event may have {MAX_EVENT_BYTES} bytes, this one has {len(raw)}. {_NOTHING}")
    return Arrival(
        id=ids.event_id(check_mails.SOURCE, key),
        source=check_mails.SOURCE,
        key=key,
        type=EventType.CONSENT,
        door="api",
        fingerprint=fingerprint.of_api(EventType.CONSENT, {"payload": _asked(payload), "check": flow}, None),
        scheduled_at=None,
        received_at=services.clock.now(),
        body=raw,
    )


def _asked(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a repeat of the same request would have, too: not the time."""
    return {name: value for name, value in payload.items() if name not in ("scheduledAt", "local")}
