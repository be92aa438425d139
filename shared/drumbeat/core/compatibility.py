"""What is stored as JSON outlives the release that wrote it: how one release reads what another has written.

Two things keep meanings apart. `semantics` counts the rules by which configurations are planned and rendered: which
address a text is, and so which id an effect has; what is sent for a value that is not there. A plan keeps the number
that made it. `must_understand` names what a reader of one configuration has to know: everything else that it does not
know may be ignored.
"""

from collections.abc import Mapping
from dataclasses import fields
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from drumbeat.core.errors import NotUnderstood

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# By which this release compiles and plans. 1 is what a release without such a number did; 2 reads addresses in one way;
# 3 leaves out what comes out empty, keeps types in JSON bodies, and keeps data and methods apart; 4 takes a mail's list
# for one that people agreed to; 5 makes the text of a mail of its HTML where none is written, puts its preheader in
# front, and takes no image but by https.
SEMANTICS = 5
SECRET_REFERENCES = "secret:NAME"  # noqa: S105 - a form that an earlier release takes for a missing secret
ACCOUNT_HEADERS = "headers of accounts"  # an earlier release would call without them
LISTS = "lists"  # an earlier release would mail people who withdrew
FORMS = "forms"  # an earlier release would not find the payload of what a form took
SPLIT = "split"  # an earlier release would act on the first fact of a delivery alone
REPORTS = "speaks_for"  # an earlier release would let a bounce or a complaint change nothing
AUDIENCES = "audiences"  # an earlier release would know no one to send to
CAMPAIGNS = "runs of campaigns"  # an earlier release would fire them and mail no one, or asks each for its schedule
PARTS = "parts of templates"  # an earlier release would refuse each mail whose template extends or includes one
MJML = "MJML"  # an earlier release would send such a mail without HTML
# What `must_understand` may name and this release knows.
UNDERSTOOD: frozenset[str] = frozenset(
    {SECRET_REFERENCES, ACCOUNT_HEADERS, LISTS, FORMS, SPLIT, REPORTS, AUDIENCES, CAMPAIGNS, PARTS, MJML}
)


def known[T: "DataclassInstance"](form: type[T], entry: Mapping[str, Any], /, **given: Any) -> T:  # noqa: ANN401 - JSON
    """Make a value of a stored entry, `given` over it: fields that the form does not have are ignored.

    Raises TypeError when the entry lacks a field that has no default.
    """
    return form(**{name: value for name, value in entry.items() if name in _names(form)} | given)


def semantics_of(version: int, compiled: Mapping[str, Any]) -> int:
    """Return the rules by which a compiled configuration is planned: its own, or the newest that this release knows.

    Raises:
        NotUnderstood: it needs a reader that knows more.
    """
    if unknown := not_understood(compiled.get("must_understand")):
        raise NotUnderstood(
            f"Configuration version {version} needs a release of Drumbeat that knows {', '.join(unknown)}; this one "
            "does not. Nothing is lost: events are recorded and planned later. Deploy the release that applied it, or "
            "run `drumbeat apply` with this one."
        )
    return min(int(compiled.get("semantics", 1)), SEMANTICS)


def not_understood(names: object) -> list[str]:
    """Return which names of a `must_understand` list this release does not know."""
    return sorted(set(map(str, names)) - UNDERSTOOD) if isinstance(names, list) else []


@lru_cache(maxsize=64)
def _names(form: "type[DataclassInstance]") -> frozenset[str]:
    return frozenset(field.name for field in fields(form))
