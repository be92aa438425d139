"""The pictures of the documents are those of the list, and small. What they show, no test compares."""

from tests.browser.screenshots import FOLDER, LARGEST, PICTURES


def test_each_picture_of_the_list_is_there_and_no_other() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {f"{picture.name}.png" for picture in PICTURES}


def test_every_picture_is_small() -> None:
    assert [path.name for path in FOLDER.iterdir() if path.stat().st_size > LARGEST] == []
