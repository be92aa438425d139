"""The files of a configuration: the document, and the folder of templates beside it, with its own folders."""

from pathlib import Path

DOCUMENT = "drumbeat.yaml"
TEMPLATES = "templates"


def files(document: Path) -> list[Path]:
    """Return the document's path, then its templates' in order of their names; hidden files are none."""
    return [document, *templates(document).values()]


def templates(document: Path) -> dict[str, Path]:
    """Return the files of the folder of templates by their names, which count from it: NAME.html, layouts/NAME.html."""
    folder = document.parent / TEMPLATES
    found = {path.relative_to(folder): path for path in sorted(folder.rglob("*")) if path.is_file()}
    hidden = [name for name in found if any(part.startswith(".") for part in name.parts)]
    return {name.as_posix(): path for name, path in found.items() if name not in hidden}
