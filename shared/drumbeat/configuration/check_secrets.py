"""Checks of all secrets of a document together: each is one variable locally, and a header shows it to one receiver."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from drumbeat.configuration import document_models
from drumbeat.configuration.declared_models import secrets_of
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.secret_references import advice, same, variable
from drumbeat.providers import account_headers

SANDBOX = "the sandbox"  # where an `http` account without base_url talks to, under `drumbeat dev`
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})

type Accounts = Mapping[str, document_models.Account | None]
type Sources = Mapping[str, document_models.Source | None]


class Use(NamedTuple):
    """One secret of one account or source: what it is called, and where the account's requests go."""

    reference: str
    provider: str  # or the source
    base_url: str | None

    @property
    def receiver(self) -> str:
        """Who gets to see what such a request carries: a vendor, or the origin of a receiver of the user's own.

        A vendor is the same where it is imitated.
        """
        if self.provider != "http":
            return self.provider
        url = urlsplit(self.base_url or "")
        return f"{url.scheme}://{url.netloc}".lower() if self.base_url else SANDBOX

    @property
    def is_trial(self) -> bool:
        """Whether it never left the machine: such a secret belongs to no receiver yet."""
        return self.provider == "http" and (self.receiver == SANDBOX or urlsplit(self.base_url).hostname in LOOPBACK)


def check_secrets(
    accounts: Accounts, sources: Sources, document: Document, earlier: Callable[[], Iterable[Use]]
) -> None:
    """Note names that are one variable in a local stack, and secrets that a header would show to another receiver."""
    _check_variables(accounts, sources, document)
    for path, reference in _references(accounts, sources):
        if said := advice(reference):
            document.warn(path, said)
    shown = {path: use for path, use, in_header in _uses(accounts) if in_header}
    if not shown:
        return
    # A person who may apply could otherwise read a vendor's key by a receiver of their own, now or in a later version.
    others = [*(use for _, use, _ in _uses(accounts)), *_of_sources(sources), *earlier()]
    for path, use in shown.items():
        for other in others:
            if _is_of_another(other, use):
                document.wrong(
                    path,
                    f"{path[-1]} is a secret for {other.receiver}, and a header would show it to another receiver: give"
                    " this account one of its own",
                )
                break


def _is_of_another(other: Use, use: Use) -> bool:
    return not other.is_trial and same(other.reference) == same(use.reference) and other.receiver != use.receiver


def _check_variables(accounts: Accounts, sources: Sources, document: Document) -> None:
    variables: dict[str, str] = {}
    for path, reference in _references(accounts, sources):
        name = reference.removeprefix("secret:")
        if name == reference:
            continue
        other = variables.setdefault(variable(name).name, name)
        if other != name:
            document.wrong(path, f"secret:{name} and secret:{other} are one variable in a local stack; rename one")


def _uses(accounts: Accounts) -> Iterator[tuple[Path, Use, bool]]:
    """Yield each secret of each account, and whether a header shows it."""
    for name, account in accounts.items():
        if account is None:
            continue
        shown = account_headers.used(account.settings.headers)
        for secret, reference in account.secrets.items():
            use = Use(reference, account.provider, account.settings.texts.get("base_url"))
            yield ("accounts", name, "secrets", secret), use, secret in shown


def _of_sources(sources: Sources) -> Iterator[Use]:
    for name, source in sources.items():
        for _, reference in secrets_of(source) if source else ():
            yield Use(reference, f"source {name}", None)


def _references(accounts: Accounts, sources: Sources) -> Iterator[tuple[Path, str]]:
    for path, use, _ in _uses(accounts):
        yield path, use.reference
    for name, source in sources.items():
        for path, reference in secrets_of(source) if source else ():
            yield ("sources", name, *path), reference
