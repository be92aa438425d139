"""All checks of `drumbeat doctor --mail`, in their order."""

from collections.abc import Iterator, Sequence

from drumbeat.cli.checks import Check, note
from drumbeat.cli.client import Client, Refusal
from drumbeat.cli.mail.records import Ask
from drumbeat.cli.mail.sending import Asked, send_and_check
from drumbeat.cli.mail.sending_domain import check_sending_domain
from drumbeat.configuration.document import compile_document
from drumbeat.core.configuration import Account, Config
from drumbeat.core.errors import DrumbeatError
from drumbeat.planning.check_mails import sends_mail


def check_mailing(
    client: Client, found: Sequence[Check], asked: Asked, ask: Ask, selectors: Sequence[str]
) -> Iterator[Check]:
    """Yield what `doctor` found; then, where the deployment answers, the records of the domains, and the mail."""
    yield from found
    if not all(each["ok"] for each in found if each["name"] in ("deployment", "API key")):
        return
    config = _in_force(client)
    if config is None:
        yield note(
            "sending domain", "not looked up: no configuration in force that this release reads", "drumbeat apply"
        )
        return
    seen: set[str] = set()
    for account in _mailing(config, asked.account):
        for each in check_sending_domain(account, ask, selectors):
            if each["name"] not in seen:  # two accounts may send from one domain
                seen.add(each["name"])
                yield each
    yield from send_and_check(client, asked, config)


def _in_force(client: Client) -> Config | None:
    try:
        stored = client.get("/v1/config")
        compiled = compile_document(stored["document"], stored["templates"])
        return Config.load(int(stored["version"]), compiled)
    except Refusal as error:
        if error.status != 404:
            raise
    except DrumbeatError:
        pass
    return None


def _mailing(config: Config, wanted: str | None) -> list[Account]:
    accounts = [each for each in config.accounts.values() if sends_mail(each)]
    return [each for each in accounts if wanted in (None, each.name)]
