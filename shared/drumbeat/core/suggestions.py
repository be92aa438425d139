"""What to write instead of a name that does not exist."""

from collections.abc import Collection
from difflib import get_close_matches

MAX_NAMES_LISTED = 20
# How much of two names is the same, at least, for one to be a misspelling of the other: `sight` and `site`, not `smtp`
# and `http`.
LIKENESS = 0.66
SHORTEST_BEGINNING = 3  # letters of a name that was not written to its end


def instead(name: str, known: Collection[str]) -> str:
    """Return `did you mean x?`, or the names there are."""
    if (close := misspelt(name, known)) is not None:
        return f"did you mean {close}?"
    return there_are(known)


def there_are(known: Collection[str]) -> str:
    """Return the names there are, as a part of a sentence: `there are a, b`."""
    if not known:
        return "there are none"
    listed = sorted(known)
    return f"there {'is' if len(listed) == 1 else 'are'} {', '.join(listed[:MAX_NAMES_LISTED])}" + (
        " and more" if len(listed) > MAX_NAMES_LISTED else ""
    )


def instead_of_name(name: str, known: Collection[str]) -> str:
    """Return `did you mean x?` for a name in a text or condition: one that is known, else the payload's field."""
    return f"did you mean {misspelt(name, known) or f'payload.{name}'}?"


def misspelt(name: str, known: Collection[str]) -> str | None:
    """Return the name of which this one is a misspelling, if there is one."""
    folded = {one.lower(): one for one in known}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=LIKENESS)
    begun = [one for one in sorted(folded) if len(name) >= SHORTEST_BEGINNING and one.startswith(name.lower())]
    return folded[[*close, *begun][0]] if close or begun else None
