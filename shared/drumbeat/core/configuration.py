"""One configuration version as planner, worker and ingest read it: checked, defaults filled in, immutable.

`document.compile_document` writes this form as JSON when a configuration is applied; `Config.load` reads it back, so
that nothing on the hot path needs YAML or a validator. A field that a later release added is ignored, and one that an
earlier release did not write has its default here: so a new field needs one.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from drumbeat.core import check_mails, secret_references
from drumbeat.core.actions import Tracking
from drumbeat.core.campaigns import Campaign, campaign, campaign_of
from drumbeat.core.compatibility import SEMANTICS, known, semantics_of
from drumbeat.core.errors import NotUnderstood
from drumbeat.core.steps import Flow as Flow  # these four stand here for those who read a configuration
from drumbeat.core.steps import Limit as Limit
from drumbeat.core.steps import Step as Step
from drumbeat.core.steps import Tree as Tree

if TYPE_CHECKING:
    from drumbeat.core.audiences import Node

# Files of the folder of templates that others are made of: (name, text), a name counts from the folder.
type Parts = tuple[tuple[str, str], ...]

EXPIRY_SECONDS = 7 * 86_400.0  # of an effect where nothing else is said
NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"  # of whatever a document names
LOCALES = ("en", "de")  # of pages that people see
CONFIRM = "confirm:"  # how the name of a list's confirmation begins as a flow
CONFIRM_STEP = "mail"


@dataclass(frozen=True, slots=True)
class Retry:
    """For how long an effect is tried, and how long is waited between two tries; seconds."""

    base: float
    cap: float
    lasts: float = EXPIRY_SECONDS  # from its due time; then an effect that was surely not sent expires


@dataclass(frozen=True, slots=True)
class LookPolicy:
    """When to look up an unknown outcome (seconds after the attempt), and for how long the provider keeps its log."""

    looks: tuple[float, ...]
    retention: float


@dataclass(frozen=True, slots=True)
class Account:
    """One login at one provider."""

    name: str
    provider: str
    settings: Mapping[str, str]
    secrets: Mapping[str, str]  # name -> reference
    limits: tuple[Limit, ...]
    retry: Retry
    on_unknown: str  # hold | resend | drop
    lookup: LookPolicy | None  # None: the provider's own
    headers: Mapping[str, str] = field(default_factory=dict)  # of each request; they name secrets of it


@dataclass(frozen=True, slots=True)
class Form:
    """What a form takes, and what its page says; a text that is None is the locale's own."""

    fields: Mapping[str, str]  # name -> required | optional; in the order of the document
    origins: tuple[str, ...] = ()  # pages that may post to it by a script
    redirect: str | None = None  # where a browser goes afterwards; None: to a page of ours
    honeypot: str | None = None  # a field that people do not see, so that what fills it is a program
    title: str | None = None
    text: str | None = None  # what a person agrees to
    button: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One configured way in."""

    name: str
    door: str  # webhook | form | schedule (a campaign, as ingest sees it)
    scheme: str  # of the signature; "" for the others
    type: str
    secrets: tuple[str, ...]  # references
    tolerance: float  # seconds
    map: Mapping[str, str]  # payload field -> JMESPath into the delivered body; empty: the body is the payload
    options: Mapping[str, Any]  # of the scheme
    max_bytes: int | None = None  # of a delivery's body; None: what the scheme says
    form: Form | None = None
    list: str | None = None  # what a form signs up for
    locale: str = "en"  # of the pages that people see
    lead: tuple[str, ...] | None = None  # the fields that become attributes of a lead; None: all of them, (): no lead
    split: str | None = None  # JMESPath to the facts of one delivery; each becomes an event
    speaks_for: str | None = None  # the account of whose mails it reports
    words: str = ""  # the provider in whose words it does


@dataclass(frozen=True, slots=True)
class Confirm:
    """How a person is asked to confirm that they want a list."""

    account: str
    template: str


@dataclass(frozen=True, slots=True)
class MailingList:
    """A subject that people subscribe to: what they agree to, and what they withdraw from."""

    name: str
    title: str
    description: str = ""
    confirm: Confirm | None = None  # None: what a person posts is enough

    @property
    def confirmation(self) -> Flow | None:
        """The flow of one mail that asks to confirm; its name is none that a configuration can have."""
        if self.confirm is None:
            return None
        arguments = {"to": "{{ payload.email }}", "template": self.confirm.template}
        step = Step(CONFIRM_STEP, self.confirm.account, "send_email", arguments, 0.0, None, None, None)
        return Flow(confirm_flow(self.name), "CONSENT", None, (step,))


@dataclass(frozen=True, slots=True)
class Template:
    """Subject and bodies of one mail; front matter is already taken off."""

    subject: str | None
    html: str | None
    text: str | None
    mjml: str | None = None  # in place of html, which is made of it
    preheader: str | None = None  # what a list of mails shows behind the subject, by semantics 5
    parts: Parts = ()  # what the bodies extend, include or import, and what that does

    @property
    def markup(self) -> str | None:
        """Return what the HTML is made of; None: the mail has none."""
        return self.html if self.mjml is None else self.mjml

    def sources(self, body: str) -> tuple[str, ...]:
        """Return all texts that "html" or "text" is made of, its own first; (): it has no such body."""
        own = self.text if body == "text" else self.markup
        reached = (text for name, text in self.parts if name.endswith(".txt") == (body == "text"))
        return () if own is None else (own, *reached)


@dataclass(frozen=True, slots=True)
class Config:
    """One immutable version of everything a user configured."""

    version: int
    accounts: Mapping[str, Account]
    sources: Mapping[str, Source]
    flows: Mapping[str, Flow]
    campaigns: Mapping[str, Campaign]
    templates: Mapping[str, Template]
    semantics: int = SEMANTICS  # the rules by which it is planned and rendered
    lists: Mapping[str, MailingList] = field(default_factory=dict)
    public_url: str | None = None  # where people reach the pages of this deployment; no trailing slash
    postal_address: str | None = None  # of the sender, as marketing mails must give it
    tracking: Tracking | None = None  # None: as the provider's account has it
    audiences: "Mapping[str, Node]" = field(default_factory=dict)

    def flow(self, name: str) -> Flow | None:
        """Return a flow by its name, a list's confirmation, a campaign's steps, or a check.

        None: this version has none of that name.
        """
        if (asked := confirmed_list(name)) is not None:
            found = self.lists.get(asked)
            return found.confirmation if found else None
        if name.startswith(check_mails.PREFIX):
            return self._check(name)
        if (shown := check_mails.previewed(name)) is not None:
            return self._preview(name, shown)
        if (of := campaign_of(name)) is not None:
            return self._campaign(name, of)
        return self.flows.get(name)

    def _campaign(self, name: str, of: str) -> Flow | None:
        found = self.campaigns.get(of)
        return Flow(name, "CAMPAIGN_TRIGGER", None, found.steps) if found and found.steps else None

    def _preview(self, name: str, of: str) -> Flow | None:
        found = self.campaigns.get(of)
        mails = tuple(step for step in found.steps if step.action == "send_email") if found else ()
        return Flow(name, "CONSENT", None, mails) if mails else None

    def _check(self, name: str) -> Flow | None:
        account, mailing_list, template = check_mails.parts(name)
        missing = (mailing_list and mailing_list not in self.lists) or (template and template not in self.templates)
        if account not in self.accounts or missing:
            return None
        has_subject = bool(template and self.templates[template].subject)
        arguments = check_mails.arguments(account, mailing_list, template, has_subject=has_subject)
        step = Step(check_mails.STEP, account, "send_email", arguments, 0.0, None, None, None)
        return Flow(name, "CONSENT", None, (step,))

    @classmethod
    def load(cls, version: int, compiled: Mapping[str, Any]) -> "Config":
        """Read the compiled form back.

        Raises:
            NotUnderstood: it says that this release must not act on it.
        """
        semantics = semantics_of(version, compiled)  # before anything else of it is read
        return cls(
            version=version,
            accounts={
                name: _account(name, entry, compiled.get("expiry", {}).get(name, EXPIRY_SECONDS))
                for name, entry in compiled["accounts"].items()
            },
            sources={name: source(name, entry) for name, entry in compiled["sources"].items()},
            flows={
                name: Flow(name, entry["on"], entry["when"], tuple(known(Step, step) for step in entry["steps"]))
                for name, entry in compiled["flows"].items()
            },
            campaigns={name: campaign(name, entry) for name, entry in compiled["campaigns"].items()},
            templates={
                name: template(entry, compiled.get("parts", {})) for name, entry in compiled["templates"].items()
            },
            semantics=semantics,
            lists={name: mailing_list(name, entry) for name, entry in compiled.get("lists", {}).items()},
            public_url=compiled.get("public_url"),
            postal_address=compiled.get("postal_address"),
            tracking=known(Tracking, track) if (track := compiled.get("track")) else None,
            audiences=_audiences(compiled.get("audiences", {})),
        )

    def references(self) -> Iterator[tuple[str, str]]:
        """Yield every reference to a secret, after who uses it."""
        for account in self.accounts.values():
            for name, reference in account.secrets.items():
                yield f"account {account.name}, {name}", reference
        for source in self.sources.values():
            for reference in source.secrets:
                yield f"source {source.name}", reference
            for name, value in source.options.items():
                if secret_references.is_reference(value):
                    yield f"source {source.name}, {name}", value

    def by(self, semantics: int) -> "Config":
        """Return the same version under the rules of a plan that was made of it.

        Raises:
            NotUnderstood: a later release planned by rules that this one does not know.
        """
        if semantics > SEMANTICS:
            raise NotUnderstood(
                f"It was planned by rules {semantics} of a later release; this one knows the rules up to {SEMANTICS}. "
                "Nothing is lost: it waits until that release is deployed again."
            )
        return self if semantics == self.semantics else replace(self, semantics=semantics)


def confirm_flow(mailing_list: str) -> str:
    """Return the name of the flow that asks people to confirm a list."""
    return f"{CONFIRM}{mailing_list}"


def confirmed_list(flow: str) -> str | None:
    """Return the name of the list that a flow of this name asks people to confirm; None: it is no such flow."""
    return flow.removeprefix(CONFIRM) if flow.startswith(CONFIRM) else None


def source(name: str, entry: Mapping[str, Any]) -> Source:
    """Read the stored form of a source back."""
    form, lead = entry.get("form"), entry.get("lead")
    return known(
        Source,
        entry,
        name=name,
        secrets=tuple(entry["secrets"]),
        form=form and known(Form, form, fields=dict(form["fields"]), origins=tuple(form["origins"])),
        lead=None if lead is None else tuple(lead),
    )


def mailing_list(name: str, entry: Mapping[str, Any]) -> MailingList:
    """Read the stored form of a list back."""
    confirm = entry["confirm"]
    return known(MailingList, entry, name=name, confirm=confirm and known(Confirm, confirm))


def template(entry: Mapping[str, Any], files: Mapping[str, str]) -> Template:
    """Read a template back: it names its parts, which stand once for all templates."""
    return known(Template, entry, parts=tuple((name, files[name]) for name in entry.get("parts", ())))


def _audiences(entries: Mapping[str, Any]) -> "Mapping[str, Node]":
    """Read audiences back; where there are none, nothing is loaded for them."""
    if not entries:
        return {}
    from drumbeat.core.audiences import tree

    return {name: tree(entry) for name, entry in entries.items()}


def _account(name: str, entry: Mapping[str, Any], lasts: float) -> Account:
    """Read an account back. How long its effects are tried stands apart: the release before could not read it here."""
    lookup = entry["lookup"]
    return known(
        Account,
        entry,
        name=name,
        limits=tuple(known(Limit, limit) for limit in entry["limits"]),
        retry=known(Retry, entry["retry"], lasts=lasts),
        lookup=lookup and known(LookPolicy, lookup, looks=tuple(lookup["looks"])),
    )
