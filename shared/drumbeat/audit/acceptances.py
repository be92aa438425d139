"""What was accepted more than once. Which outcomes prove that depends on how the provider treats a repeat."""

import zlib

from drumbeat.audit.verification_sql import Acceptances
from drumbeat.audit.violations import Violation, violation
from drumbeat.core.configuration import Account
from drumbeat.delivery.requests import thaw
from drumbeat.providers.base import Blind, Feedback, NativeKey, SameId
from drumbeat.providers.login import login
from drumbeat.services import Services


def judge(known: Acceptances, services: Services) -> Violation | None:
    """Return a violation if one generation of an effect was carried out more than once.

    With a key or an id of ours a repeat is answered like the first time: two references mean two mails. Elsewhere each
    acceptance is one more, and a violation unless the account's owner chose `on_unknown: resend`.

    Raises:
        NotUnderstood: only a later release knows how its provider treats a repeat.
    """
    if known.found is not None and known.found > 1:
        return violation("found-several", known.effect_id, found=known.found)
    account = services.configuration(known.version).accounts.get(known.account)
    if account is None:
        return None
    several = known.references > 1 if _repeats_harmlessly(account, known, services) else known.answers > 1
    if not several or _chosen(account, known, services):
        return None
    return violation("accepted-twice", known.effect_id, generation=known.generation)


def intact(frozen: bytes, hash: bytes) -> bool:
    """Return whether frozen bytes are still the request that was hashed."""
    try:
        thaw(frozen, hash)
    except (ValueError, TypeError, zlib.error):
        return False
    return True


def _repeats_harmlessly(account: Account, known: Acceptances, services: Services) -> bool:
    return isinstance(_repeat(account, known, services), NativeKey | SameId)


def _chosen(account: Account, known: Acceptances, services: Services) -> bool:
    return account.on_unknown == "resend" and isinstance(_repeat(account, known, services), Feedback | Blind)


def _repeat(account: Account, known: Acceptances, services: Services) -> object:
    request = None
    if known.frozen is not None and known.hash is not None and intact(known.frozen, known.hash):
        request = thaw(known.frozen, known.hash)
    return login(account, services.settings.sandbox_url).repeat(request)
