"""Checks of all secrets of a document together: each has one name everywhere, and goes to one receiver."""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from drumbeat.configuration import document_models
from drumbeat.configuration.yaml_lines import Document, Path
from drumbeat.core.configuration import Account
from drumbeat.core.secret_references import same, variable
from drumbeat.providers import account_headers

type Accounts = Mapping[str, document_models.Account | None]
type Sources = Mapping[str, document_models.Source | None]


def check_secrets(accounts: Accounts, sources: Sources, document: Document) -> None:
    """Note names that are one variable in a local stack, and secrets that a header would carry to another receiver."""
    variables: dict[str, str] = {}
    for path, reference in _references(accounts, sources):
        name = reference.removeprefix("secret:")
        if name != reference and variables.setdefault(variable(name).name, name) != name:
            other = variables[variable(name).name]
            document.wrong(path, f"secret:{name} and secret:{other} are one variable in a local stack; rename one")
    present = {name: account for name, account in accounts.items() if account}
    receivers = {
        name: receiver(account.provider, account.settings.texts.get("base_url", ""))
        for name, account in present.items()
    }
    for name, account in present.items():
        for secret in sorted(account_headers.used(account.settings.headers) & account.secrets.keys()):
            wanted = same(account.secrets[secret])
            for other, beside in present.items():
                shared = wanted in {same(reference) for reference in beside.secrets.values()}
                if shared and receivers[other] != receivers[name]:
                    document.wrong(("accounts", name, "secrets", secret), elsewhere(secret, receivers[other]))


def carried(account: Account) -> dict[str, str]:
    """Return the secrets that an account's headers carry as they are, by reference: they reach its receiver."""
    names = account_headers.used(account.headers)
    return {same(reference): name for name, reference in account.secrets.items() if name in names}


def receiver(provider: str, base_url: str) -> str:
    """Name who gets to see what an account's requests carry: a vendor, or the origin of a receiver of the user's."""
    if provider != "http":
        return provider
    url = urlsplit(base_url)
    return f"{url.scheme}://{url.netloc}".lower()


def elsewhere(secret: str, owner: str) -> str:
    """Say why a header must not carry a secret."""
    return (
        f"{secret} is a secret for {owner} already, and a header would show it to another receiver: give this one a"
        " secret of its own"
    )


def _references(accounts: Accounts, sources: Sources) -> Iterator[tuple[Path, str]]:
    for name, account in accounts.items():
        for secret, reference in account.secrets.items() if account else ():
            yield ("accounts", name, "secrets", secret), reference
    for name, source in sources.items():
        for index, reference in enumerate(source.secrets if source else ()):
            yield ("sources", name, "secrets", index), reference
