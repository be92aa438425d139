"""Checks of accounts and sources: what their provider or signature scheme knows."""

from collections.abc import Collection, Mapping

from drumbeat.configuration import document_models
from drumbeat.configuration.declared_models import options_of
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.suggestions import instead
from drumbeat.planning.condition_checks import filters
from drumbeat.providers import account_headers, vendor_hosts
from drumbeat.providers import registry as providers
from drumbeat.providers.base import Provider, Query, Target
from drumbeat.sources import registry as schemes
from drumbeat.sources.signature import Option

_PLAIN = (
    "is a secret: store it with `drumbeat secrets set`, and under secrets write {name}: secret:NAME; if a real one"
    " stood here, change it at its provider"
)


def check_account(
    name: str, account: document_models.Account, path: Path, document: Document, *, sandbox: bool
) -> None:
    """Note what the provider does not know, lacks or objects to; in the sandbox no account needs a base URL."""
    if account.provider not in providers.names():
        advice = instead(account.provider, providers.names())
        document.wrong((*path, "provider"), f"there is no provider {account.provider}; {advice}")
        return
    provider = providers.get(account.provider)
    settings = account.settings.texts
    required = {key: needed and not (sandbox and key == "base_url") for key, needed in provider.settings.items()}
    before = len(document.mistakes)
    plain = {key for key in settings if key in provider.secrets and key not in provider.settings}
    for key in plain:
        document.wrong((*path, "settings", key), f"{key} {_PLAIN.format(name=key)}")
    _names(account.provider, "setting", settings.keys() - plain, required, (*path, "settings"), document)
    _headers(account, provider, path, document, sandbox=sandbox)
    for problem in provider.problems(settings):
        document.wrong((*path, "settings", problem.partition(" ")[0]), problem)
    base_url = settings.get("base_url") or vendor_hosts.own_url(provider, settings) or ""
    if not sandbox and (astray := vendor_hosts.problem(provider, base_url, settings)):
        document.wrong((*path, "settings", "base_url"), astray)
    if account.lookup is None or len(document.mistakes) > before:
        return
    repeat = provider.repeat(Target(name, base_url, settings))
    if not isinstance(repeat, Query):
        document.wrong((*path, "lookup"), f"{account.provider} is not searched after an unknown outcome; delete lookup")
    if account.lookup.looks != sorted(set(account.lookup.looks)):
        document.wrong((*path, "lookup", "looks"), "looks must rise, like [1m, 5m, 30m]")
    if account.lookup.retention <= account.lookup.looks[-1]:
        document.wrong((*path, "lookup", "retention"), "retention must be longer than the last look")


def _headers(
    account: document_models.Account, provider: Provider, path: Path, document: Document, *, sandbox: bool
) -> None:
    """Check the headers, and the secrets with those that headers carry: such an account needs no other."""
    headers, known = account.settings.headers, dict(provider.secrets)
    reserved = getattr(provider, "own_headers", None)
    if headers and reserved is None:
        document.wrong((*path, "settings", "headers"), f"{provider.name} takes no headers; delete them")
    elif headers:
        place = (*path, "settings", "headers")
        for name, problem in account_headers.problems(headers, reserved=reserved or (), never=provider.secrets):
            document.wrong((*place, name), problem)
        if carried := account_headers.used(headers):
            known = dict.fromkeys(known, False) | dict.fromkeys(carried, True)
            if not sandbox and account.settings.texts.get("base_url", "").lower().startswith("http://"):
                document.wrong(
                    (*path, "settings", "base_url"),
                    "base_url must begin with https://: a header carries a secret there",
                )
    _names(account.provider, "secret", account.secrets, known, (*path, "secrets"), document)


def check_source(source: document_models.Source, path: Path, document: Document) -> None:
    """Note what the signature scheme does not know, and what a split would leave out."""
    if source.split is not None and filters(source.split):
        document.warn(
            (*path, "split"),
            "split leaves facts out by a condition: nothing is done for those and nothing shows them; choose by a"
            " flow's when instead",
        )
    if source.webhook not in schemes.names():
        advice = instead(source.webhook, schemes.names())
        document.wrong((*path, "webhook"), f"there is no signature scheme {source.webhook}; {advice}")
        return
    scheme, given, before = schemes.get(source.webhook), options_of(source), len(document.mistakes)
    if scheme.has_secrets and not document.has((*path, "secrets")):
        document.wrong(path, "secrets is missing; add it")
    elif source.secrets and not scheme.has_secrets:
        document.wrong((*path, "secrets"), f"{source.webhook} signs by a certificate that it publishes; delete secrets")
    for name in given.keys() - scheme.options.keys():
        document.wrong(
            (*path, name),
            f"{source.webhook} has no option {name}; {instead(name, scheme.options)}"
            if scheme.options
            else f"{source.webhook} has no options; delete {name}",
        )
    for name, option in scheme.options.items():
        if name in given:
            _check_option(name, given[name], option, (*path, name), document)
        elif option.required and not document.has((*path, name)):
            document.wrong(path, f"{name} is missing; {source.webhook} needs it")
    # Options are only compared with each other once each of them is right.
    if len(document.mistakes) == before and all(
        name in given for name in scheme.options if document.has((*path, name))
    ):
        for name, problem in scheme.problems(given):
            document.wrong((*path, name), problem)


def _check_option(name: str, value: str | bool, option: Option, path: Path, document: Document) -> None:
    if isinstance(value, bool):
        return
    if option.choices and value not in option.choices:
        document.wrong(path, f"there is no {name} {value}; {instead(value, option.choices)}")
    elif option.problem is not None and (problem := option.problem(value)):
        document.wrong(path, problem)


def _names(
    provider: str, what: str, given: Collection[str], known: Mapping[str, bool], path: Path, document: Document
) -> None:
    for name in set(given) - known.keys():
        document.wrong((*path, name), f"{provider} has no {what} {name}; {instead(name, known)}")
    for name, needed in known.items():
        if needed and name not in given and not document.has((*path, name)):
            document.wrong(path, f"{what} {name} is missing; {provider} needs it: add it under {path[-1]}")
