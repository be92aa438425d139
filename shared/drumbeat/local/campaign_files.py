"""The files of a configuration: the document, and the folder of templates beside it."""

from pathlib import Path

DOCUMENT = "drumbeat.yaml"
TEMPLATES = "templates"


def files(document: Path) -> list[Path]:
    """Return the document's path, then its templates' in order of their names; hidden files are none."""
    folder = document.parent / TEMPLATES
    beside = sorted(folder.iterdir()) if folder.is_dir() else []
    return [document, *(each for each in beside if each.is_file() and not each.name.startswith("."))]
