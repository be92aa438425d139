"""What parts of a document refer to."""

from collections.abc import Collection, Mapping

from drumbeat.configuration import document_models
from drumbeat.core.configuration import Template


class Surroundings:
    """What a flow may refer to, as far as it is written down; None: it is there and has mistakes of its own."""

    def __init__(
        self,
        accounts: Mapping[str, document_models.Account | None],
        sources: Mapping[str, document_models.Source | document_models.FormSource | None],
        campaigns: Collection[str],
        templates: Mapping[str, Template],
        lists: Mapping[str, document_models.MailingList | None],
        defaults: document_models.Defaults,
        audiences: Collection[str] = (),
    ) -> None:
        self.accounts = accounts
        self.sources = sources
        self.campaigns = campaigns
        self.templates = templates
        self.lists = lists
        self.defaults = defaults
        self.audiences = audiences
