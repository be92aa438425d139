"""Three values joined, and stored trees read back."""

import pytest

from drumbeat.core.audiences import InAudience, OnList, both, either, expanded, tree
from drumbeat.core.errors import NotUnderstood


@pytest.mark.parametrize(
    ("verdicts", "all_hold", "one_holds"),
    [
        ([True, True], True, True),
        ([True, False], False, True),
        ([True, None], None, True),
        ([False, None], False, None),
        ([None], None, None),
    ],
)
def test_what_is_not_known_counts_where_nothing_else_decides(
    verdicts: list[bool | None], all_hold: bool | None, one_holds: bool | None
) -> None:
    assert (both(iter(verdicts)), either(iter(verdicts))) == (all_hold, one_holds)


def test_a_condition_of_a_later_release_is_not_understood() -> None:
    with pytest.raises(NotUnderstood, match="Nothing is lost"):
        tree({"all": [{"telepathy": True}]})


def test_an_audience_has_the_leaves_of_those_that_it_refers_to() -> None:
    audiences = {"a": tree({"not": {"all": [{"audience": "b"}, {"audience": "b"}]}}), "b": tree({"list": "news"})}

    assert list(expanded("a", audiences)) == [InAudience("b"), OnList("news")] * 2
