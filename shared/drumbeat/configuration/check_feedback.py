"""Checks of sources that speak for an account: what its provider reports of mails."""

from collections.abc import Collection, Iterable, Mapping

from drumbeat.configuration import document_models
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.events import EventType
from drumbeat.core.suggestions import instead
from drumbeat.providers import registry as providers
from drumbeat.providers.base import Feedback, Target

# How the reports of each provider prove themselves; a sender of the user's own may sign by any scheme.
SCHEMES: Mapping[str, Collection[str]] = {
    "mailgun": ("mailgun",),
    "postmark": ("postmark",),
    "resend": ("resend", "standard_webhooks"),
    "ses": ("sns",),
}


def check_speaks_for(
    source: document_models.Source,
    accounts: Mapping[str, document_models.Account | None],
    path: Path,
    document: Document,
) -> None:
    """Note what does not fit a source that reports what became of an account's mails."""
    if source.speaks_for is None:
        return
    if source.speaks_for not in accounts:
        advice = instead(source.speaks_for, accounts)
        document.wrong((*path, "speaks_for"), f"there is no account {source.speaks_for}; {advice}")
    _warn_of_scheme(source, accounts.get(source.speaks_for), path, document)
    if source.type != EventType.FEEDBACK:
        document.wrong((*path, "type"), f"a source that speaks for an account has the type {EventType.FEEDBACK}")
    for name, given in (("map", source.map), ("split", source.split), ("lead", source.lead)):
        if given:
            why = "reports are read as the account's provider words them"
            document.wrong((*path, name), f"{name} does nothing beside speaks_for: {why}; delete it")


def _warn_of_scheme(
    source: document_models.Source, account: document_models.Account | None, path: Path, document: Document
) -> None:
    if account is None or account.provider not in providers.names():
        return
    wanted = SCHEMES.get(account.provider, ())
    if wanted and source.webhook not in wanted:
        right = " or ".join(wanted)
        document.warn(
            (*path, "webhook"), f"{account.provider} reports by webhook: {right}; {source.webhook} is not in its words"
        )
    elif "send_email" not in providers.get(account.provider).actions and not wanted and account.provider != "http":
        document.warn((*path, "speaks_for"), f"{source.speaks_for} sends no mail, so there is nothing to report of it")


def warn_of_silence(
    accounts: Mapping[str, document_models.Account | None],
    sources: Iterable[document_models.Source | document_models.FormSource | None],
    document: Document,
) -> None:
    """Warn of accounts whose unknown outcomes nothing but reports can settle, and for which no source speaks."""
    heard = {source.speaks_for for source in sources if isinstance(source, document_models.Source)}
    for name, account in accounts.items():
        if account is None or name in heard or account.provider not in providers.names():
            continue
        provider = providers.get(account.provider)
        settings = account.settings.texts
        if isinstance(provider.repeat(Target(name, provider.base_url or "", settings)), Feedback):
            document.warn(
                ("accounts", name),
                f"after an unknown outcome only what {account.provider} reports can tell whether a mail was sent, and "
                f"no source has speaks_for: {name}; without one such mails are held for a person",
            )
