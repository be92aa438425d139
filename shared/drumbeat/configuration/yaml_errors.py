"""What is wrong with a text that is not YAML, in the words of one who writes it."""

import yaml

# What the parser found instead of what could go on, and what that means for the writer. The first that fits counts.
_MEANINGS = (
    ("found character '\\t'", "a tab; indent with spaces"),
    ("that cannot start any token", "a text cannot begin with this character; put quotes around it"),
    ("but found '<scalar>'", "a text goes on after its closing quote; put quotes around the whole"),
    ("but found '<block", "this line is indented otherwise than its neighbours; begin it below their first letter"),
    ("but found '?'", "this line does not belong to the list above it; check the indentation of both"),
    ("but found '-'", "a list item (-) among fields; check its indentation"),
)
_INDENTED = (
    "this line is indented below one that has its value already; begin it below the first letter of that line, or take "
    "that value out"
)


def explain(error: yaml.MarkedYAMLError, text: str) -> tuple[int, str]:
    """Return the line of the mistake and what to do about it."""
    mark, context = error.problem_mark or error.context_mark, error.context or ""
    line = mark.line + 1 if mark else 1
    problem = error.problem or "it cannot be read"
    if "mapping values are not allowed" in problem and mark is not None:
        return line, _colon(text.splitlines(), mark.line, mark.column)
    if "expected '<document start>'" in problem:
        return line, "the fields of the top begin at the same place, without a space before them; check indentation"
    if "but found '<document start>'" in problem or "single document" in context:
        return line, "a second document (---); one document is all"
    if "could not find expected ':'" in problem and error.context_mark is not None:
        return error.context_mark.line + 1, "a field without its colon and value"
    if "quoted scalar" in context and error.context_mark is not None:
        return error.context_mark.line + 1, "a quote that is opened in this line is not closed, or stands within a text"
    if "found undefined alias" in problem or "found duplicate anchor" in problem:
        return line, problem
    if "while parsing a flow" in context:
        return line, f"a bracket, comma or quote is missing near here ({problem})"
    return line, next((meaning for found, meaning in _MEANINGS if found in problem), f"{problem}; check indentation")


def _colon(lines: list[str], number: int, column: int) -> str:
    """Say why a colon stands where none can: a second one in its line, or a line that is indented too far."""
    before = lines[number][:column] if number < len(lines) else ""
    if ": " in before or before.lstrip().startswith(("'", '"')):
        return "a second colon in one line; put quotes around the text that holds it"
    above = next((line.strip() for line in reversed(lines[:number]) if line.strip()), "")
    if ":" in above and ": " not in above and not above.endswith(":"):
        return "the line above has no space after its colon"
    return _INDENTED
