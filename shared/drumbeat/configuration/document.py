"""The configuration document: read strictly, checked whole, compiled into what planner, worker and doors read."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from drumbeat.configuration import document_models, yaml_lines
from drumbeat.configuration.campaigns import compile_campaign, needs_runs, read_campaign
from drumbeat.configuration.check_accounts import check_account, check_source
from drumbeat.configuration.check_audiences import Known, Named, check_audiences, steps_of
from drumbeat.configuration.check_campaigns import Fires, check_campaigns
from drumbeat.configuration.check_feedback import check_speaks_for, warn_of_silence
from drumbeat.configuration.check_flows import check_ids, check_order, check_step
from drumbeat.configuration.check_lists import check_form, check_lists, check_public_url
from drumbeat.configuration.check_secrets import Use, check_secrets
from drumbeat.configuration.check_sources import check_sources
from drumbeat.configuration.declared_models import form_of_source, options_of, secrets_of
from drumbeat.configuration.schema import schema
from drumbeat.configuration.surroundings import Surroundings
from drumbeat.configuration.template_files import read_templates, stored
from drumbeat.configuration.template_proofs import replaced_in
from drumbeat.configuration.validation import entries, read_form
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.compatibility import (
    ACCOUNT_HEADERS,
    AUDIENCES,
    CAMPAIGNS,
    FORMS,
    LISTS,
    MJML,
    PARTS,
    REPORTS,
    SECRET_REFERENCES,
    SEMANTICS,
    SPLIT,
)
from drumbeat.core.configuration import Template
from drumbeat.core.errors import ConfigError, Mistake
from drumbeat.sources import registry as schemes

__all__ = ["compile_document", "schema"]

type Json = dict[str, Any]

COUNTLESS_TRIES = 1_000_000  # for the release before, should it run again: it counts

_SECTIONS = ("accounts", "lists", "audiences", "sources", "flows", "campaigns")


def compile_document(
    text: str,
    templates: Mapping[str, str],
    *,
    file: str = "drumbeat.yaml",
    sandbox: bool = True,
    warn: Callable[[Mistake], None] = lambda _: None,
    now: datetime | None = None,
    fires: Fires | None = None,
    earlier: Callable[[], Iterable[Use]] = tuple,
    attributes: Known | None = None,
) -> Json:
    """Return what `Config.load` reads, as plain JSON with every default filled in.

    `templates` maps file names of the folder to their texts. With `sandbox`, an account may leave out a base URL that
    its provider needs: it then talks to the local sandbox. Say False where there is none. `warn` gets what is taken
    and should be written otherwise; `earlier` is asked for what all versions so far use secrets for. With `now`,
    campaigns without a time to come are such, too; `fires` says whether one fired at a time that has passed, and
    `attributes` which there are, as audiences ask for some.

    Raises:
        ConfigError: lists every mistake there is, with file, line and what to write instead, in that order. It never
            quotes a value that could be a secret.
    """
    document = yaml_lines.read(text, file)
    doubts: list[Mistake] = []
    read, mistakes = read_templates(templates, doubts.append, replaced_in(document.data))
    compiled: Json = {}
    if isinstance(document.data, dict):
        compiled = _compile(document, read, earlier, sandbox=sandbox, now=now, fires=fires, attributes=attributes)
    elif not document.mistakes:
        document.wrong((), "the document must hold fields: version: 1, accounts, sources, flows, campaigns")
    if found := {*document.mistakes, *mistakes}:
        raise ConfigError(
            sorted(found, key=lambda mistake: (mistake.file != file, mistake.file, mistake.line, mistake.message))
        )
    for warning in dict.fromkeys([*document.warnings, *doubts]):  # templates may share the part that is meant
        warn(warning)
    return compiled


def _compile(
    document: Document,
    templates: Mapping[str, Template],
    earlier: Callable[[], Iterable[Use]],
    *,
    sandbox: bool,
    now: datetime | None,
    fires: Fires | None,
    attributes: Known | None,
) -> Json:
    data: Json = document.data
    head = {name: value for name, value in data.items() if name not in _SECTIONS}
    top = read_form(document_models.Document, head, (), document)
    defaults = top.defaults if top else document_models.Defaults()
    if defaults.retry.tries is not None:
        place = ("defaults", "retry", "tries")
        document.warn(place, "tries are not counted any more: delete this and write for how long to try, like for: 7d")
    sections = {name: entries(data.get(name), (name,), document) for name in _SECTIONS}

    accounts = {
        name: read_form(document_models.Account, entry, ("accounts", name), document)
        for name, entry in sections["accounts"].items()
    }
    for name, account in accounts.items():
        if account is not None:
            check_account(name, account, ("accounts", name), document, sandbox=sandbox)
    if not sandbox:
        check_public_url(defaults, document)
    lists = {
        name: read_form(document_models.MailingList, entry, ("lists", name), document)
        for name, entry in sections["lists"].items()
    }
    sources: dict[str, document_models.Source | document_models.FormSource | None] = {
        name: read_form(form_of_source(entry), entry, ("sources", name), document)
        for name, entry in sections["sources"].items()
    }
    webhooks = {name: source for name, source in sources.items() if not isinstance(source, document_models.FormSource)}
    for name, source in sources.items():
        if isinstance(source, document_models.FormSource):
            check_form(source, ("sources", name), document, lists, public_url=defaults.public_url)
        elif source is not None:
            check_source(source, ("sources", name), document)
            check_speaks_for(source, accounts, ("sources", name), document)
    warn_of_silence(accounts, webhooks.values(), document)
    check_secrets(accounts, webhooks, document, earlier)
    campaigns = {name: read_campaign(name, entry, document) for name, entry in sections["campaigns"].items()}
    for name in campaigns.keys() & sources.keys():
        document.wrong(("campaigns", name), f"a source is called {name} too; their events would mix: rename one")
    if now is not None:
        check_campaigns(campaigns, defaults.timezone, document, now=now, fires=fires)
    named = Named(
        sections["audiences"], lists, sections["campaigns"], steps_of(sections["flows"], sections["campaigns"])
    )
    audiences = check_audiences(sections["audiences"], named, document, attributes)
    around = Surroundings(accounts, sources, campaigns, templates, lists, defaults, sections["audiences"])
    check_lists(lists, document, around)
    return {
        "semantics": SEMANTICS,
        "must_understand": _must_understand(
            accounts.values(), sources.values(), lists, audiences, campaigns.values(), templates.values()
        ),
        "accounts": {name: _account(account, defaults) for name, account in accounts.items() if account},
        "lists": {name: _list(each) for name, each in lists.items() if each},
        "audiences": audiences,
        "public_url": defaults.public_url,
        "postal_address": defaults.postal_address,
        "track": defaults.track and defaults.track.model_dump(),
        "sources": {name: _source(source, accounts) for name, source in sources.items() if source},
        "flows": {name: _flow(entry, ("flows", name), document, around) for name, entry in sections["flows"].items()},
        "campaigns": {
            name: compile_campaign(name, campaigns[name], entry, document, around)
            for name, entry in sections["campaigns"].items()
        },
        **stored(templates),
        "expiry": {name: defaults.retry.for_ for name, account in accounts.items() if account},
    }


def _must_understand(
    accounts: Collection[document_models.Account | None],
    sources: Collection[document_models.Source | document_models.FormSource | None],
    lists: Collection[str],
    audiences: Collection[str],
    campaigns: Collection[document_models.CampaignHead | None],
    templates: Collection[Template],
) -> list[str]:
    """Name what a release before would get wrong by ignoring it."""
    webhooks = [source for source in sources if isinstance(source, document_models.Source)]
    references = [reference for account in accounts if account for reference in account.secrets.values()]
    references += [reference for source in webhooks for _, reference in secrets_of(source)]
    wrong = {
        SECRET_REFERENCES: any(each.startswith("secret:") for each in references),
        ACCOUNT_HEADERS: any(account and account.settings.headers for account in accounts),
        LISTS: bool(lists),
        AUDIENCES: bool(audiences),
        FORMS: any(isinstance(source, document_models.FormSource) for source in sources),
        SPLIT: any(source.split for source in webhooks),
        REPORTS: any(source.speaks_for for source in webhooks),
        CAMPAIGNS: needs_runs(campaigns),
        PARTS: any(template.parts for template in templates),
        MJML: any(template.mjml is not None for template in templates),
    }
    return [name for name, is_wrong in wrong.items() if is_wrong]


def _account(account: document_models.Account, defaults: document_models.Defaults) -> Json:
    headers = {"headers": dict(account.settings.headers)} if account.settings.headers else {}
    return {
        "provider": account.provider,
        "settings": account.settings.texts,
        "secrets": dict(account.secrets),
        "limits": [asdict(limit) for limit in account.limits],
        "retry": {
            "tries": defaults.retry.tries or COUNTLESS_TRIES,
            "base": defaults.retry.base,
            "cap": defaults.retry.cap,
        },
        "on_unknown": account.on_unknown,
        "lookup": account.lookup and account.lookup.model_dump(),
        **headers,
    }


def _list(given: document_models.MailingList) -> Json:
    return {
        "title": given.title,
        "description": given.description or "",
        "confirm": given.confirm and given.confirm.model_dump(),
    }


def _source(
    source: document_models.Source | document_models.FormSource,
    accounts: Mapping[str, document_models.Account | None],
) -> Json:
    if isinstance(source, document_models.FormSource):
        return _form(source)
    spoken = accounts.get(source.speaks_for) if source.speaks_for else None
    return {
        "door": "webhook",
        "scheme": source.webhook,
        "type": source.type,
        "secrets": list(source.secrets),
        "tolerance": _tolerance(source),
        "map": dict(source.map),
        "options": options_of(source),
        "lead": source.lead,
        **({"max_bytes": source.max_bytes} if source.max_bytes else {}),
        **({"split": source.split} if source.split else {}),
        **({"speaks_for": source.speaks_for, "words": spoken.provider} if source.speaks_for and spoken else {}),
    }


def _form(source: document_models.FormSource) -> Json:
    return {
        "door": "form",
        "scheme": "",
        "type": source.type,
        "secrets": [],
        "tolerance": 0.0,
        "map": {},
        "options": {},
        # The ledger keeps no order of names, and a page shows its fields as they are written.
        "form": source.form.model_dump() | {"fields": [[name, need] for name, need in source.form.fields.items()]},
        "list": source.list,
        "locale": source.locale,
        "lead": source.lead,
    }


def _tolerance(source: document_models.Source) -> float:
    if source.tolerance is not None or source.webhook not in schemes.names():
        return source.tolerance or 0.0
    return schemes.get(source.webhook).tolerance


def _flow(entry: object, path: Path, document: Document, around: Surroundings) -> Json:
    given = entry.get("steps") if isinstance(entry, dict) else None
    rest = {name: value for name, value in entry.items() if name != "steps"} if isinstance(entry, dict) else entry
    head = read_form(document_models.FlowHead, rest, path, document)
    place = (*path, "steps")
    if not isinstance(given, list) or not given:
        if isinstance(entry, dict):
            document.wrong(place, "steps must be a list with at least one step: - {id, account, action, with}")
        return {}
    steps = [read_form(document_models.Step, step, (*place, index), document) for index, step in enumerate(given)]
    names = [step.get("id") if isinstance(step, dict) else None for step in given]
    check_ids(names, place, document)
    check_order(steps, names, place, document)
    arguments = [
        check_step(step, (*place, index), document, around) if step else None for index, step in enumerate(steps)
    ]
    if head is None:
        return {}
    parts = [((*place, index), step, one) for index, (step, one) in enumerate(zip(steps, arguments, strict=True))]
    check_sources(head, parts, path, document, around)
    return {"on": head.on, "when": head.when, "steps": [_step(step) for step in steps if step]}


def _step(step: document_models.Step) -> Json:
    return {
        "id": step.id,
        "account": step.account,
        "action": step.action,
        "arguments": step.with_,
        "delay": step.delay,
        "after": step.after,
        "when": step.when,
        "unless": step.unless,
    }
