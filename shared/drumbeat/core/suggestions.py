"""What to write instead of a name that does not exist."""

from collections.abc import Collection
from difflib import get_close_matches

MAX_NAMES_LISTED = 20


def instead(name: str, known: Collection[str]) -> str:
    """Return `did you mean x?`, or the names there are."""
    folded = {one.lower(): one for one in known}
    if close := get_close_matches(name.lower(), folded, n=1, cutoff=0.5):
        return f"did you mean {folded[close[0]]}?"
    if not known:
        return "there are none"
    listed = sorted(known)
    return f"there {'is' if len(listed) == 1 else 'are'} {', '.join(listed[:MAX_NAMES_LISTED])}" + (
        " and more" if len(listed) > MAX_NAMES_LISTED else ""
    )
