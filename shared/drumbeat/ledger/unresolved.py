"""That an attempt may have reached its provider, in SQL: nothing that was recorded of it says otherwise."""

from typing import LiteralString

# About a row `a` of attempts. A look for each, and no join: a run has hardly any attempts that ended without a mail.
UNRESOLVED: LiteralString = """
    (SELECT o.id
       FROM outcomes o
      WHERE o.effect_id = a.effect_id AND o.n = a.n AND o.kind IN ('not_sent', 'throttled', 'denied', 'refused')
      LIMIT 1) IS NULL
"""
# About a row `e` of effects, by attempts of all generations: an earlier one is no less real because a person began
# another. What a provider took, or was seen to have, counts even beside a refusal.
EVER_TAKEN: LiteralString = f"""
    (EXISTS (SELECT FROM attempts a WHERE a.effect_id = e.id AND {UNRESOLVED})
     OR EXISTS (SELECT FROM outcomes o WHERE o.effect_id = e.id AND o.kind IN ('accepted', 'found')))
"""  # noqa: S608 - put together from constants
