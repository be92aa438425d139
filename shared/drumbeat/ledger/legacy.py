"""The sentences of the release before, which wrote reasons without codes: their rows have `legacy` or no code at all.

The only place where a reason is selected by its sentence. The next release removes it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from drumbeat.core.errors import Invalid
from drumbeat.core.reasons import DETAIL, SENTENCES, ReasonCode

# Each is a condition on one row of `effects` or `journal`; the last names the row `e`.
WAITS_FOR_PAUSE = """
    coalesce(reason_code, 'legacy') = 'legacy' AND (reason LIKE 'paused:%%' OR reason = 'circuit breaker open')
"""
FOUND_MANY = "coalesce(reason_code, 'legacy') = 'legacy' AND reason LIKE 'found %% times%%'"
FOUND_TIMES = "substring(reason FROM '^found (\\d+) times')"
HAS_SENTENCE = "coalesce(e.reason_code, 'legacy') = 'legacy' AND e.reason = %(sentence)s"

# Why effects were held, as `--cause` took it. What the sentences are now is taken, too: a client may send back the one
# that it was shown.
_HELD: Mapping[str, ReasonCode] = {
    r"its worker ended without a word (\d+) times in a row": ReasonCode.WORKER_CRASHED,
    r"account (.+) is not configured any more": ReasonCode.NOT_CONFIGURED,
    r"account (.+) is another login now": ReasonCode.LOGIN_CHANGED,
    r"secret (.+) does not exist or may not be read; mend it, then resolve this effect": ReasonCode.SECRET_MISSING,
    r"outcome unknown after (\d+) tries": ReasonCode.UNKNOWN_AFTER_TRIES,
    r"outcome unknown, and the idempotency key has expired": ReasonCode.KEY_EXPIRED,
    r"outcome unknown and not yet looked up": ReasonCode.NOT_LOOKED_UP,
    r"outcome unknown, and nothing can prove it": ReasonCode.UNPROVABLE,
    r"outcome unknown: no look succeeded before retention ended": ReasonCode.NO_LOOK_SUCCEEDED,
    r"outcome unknown: absent, but what is old is not kept by the provider": ReasonCode.PAST_RETENTION,
    r"outcome unknown: the provider's search cannot be trusted": ReasonCode.SEARCH_UNTRUSTED,
}
_SHOWN: Mapping[str, ReasonCode] = {
    re.escape(SENTENCES[code]).replace(re.escape(DETAIL), "(.+)"): code for code in _HELD.values()
}


@dataclass(frozen=True, slots=True)
class Cause:
    """Which reasons are meant: a code, with one detail or any, and rows of the release before by their sentence."""

    code: ReasonCode
    detail: str | None = None
    sentence: str | None = None

    def means(self, code: str | None, detail: str | None, sentence: str) -> bool:
        """Return whether a reason is among them."""
        if code in (None, ReasonCode.LEGACY):
            return self.code is ReasonCode.LEGACY or sentence == self.sentence
        return code == self.code and self.detail in (None, detail)


def cause(given: str) -> Cause:
    """Read what `--cause` names: a code or, until the next release, the whole sentence. Raises Invalid for others."""
    if given in tuple(ReasonCode):
        return Cause(ReasonCode(given))
    for pattern, code in (*_HELD.items(), *_SHOWN.items()):
        if match := re.fullmatch(pattern, given, re.DOTALL):
            return Cause(code, match[1] if match.groups() else None, given)
    raise Invalid(f"no reason has the code {given[:200]!r}; `drumbeat effects --json` shows the codes")
