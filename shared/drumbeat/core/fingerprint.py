"""What makes two bodies under one idempotency key the same: SHA-256 over a canonical form."""

import hashlib
from collections.abc import Mapping, Sequence

import rfc8785

from drumbeat.core.errors import Invalid


def of_api(
    type: str, payload: Mapping[str, object], scheduled_at: str | None, consent: Sequence[object] | None = None
) -> bytes:
    """Fingerprint an API event over RFC 8785 of type, payload and, if given, scheduledAt and consent.

    The order of fields and the white space do not matter.

    Raises:
        Invalid: a value has no canonical form, such as a number beyond 2^53 or half of a surrogate pair.
    """
    document: dict[str, object] = {"type": type, "payload": payload}
    if scheduled_at is not None:
        document["scheduledAt"] = scheduled_at
    if consent is not None:
        document["consent"] = consent
    try:
        return hashlib.sha256(rfc8785.dumps(document)).digest()  # type: ignore[arg-type]
    except (ValueError, RecursionError):
        raise Invalid(
            "payload holds something that JSON cannot carry exactly: a number beyond 2^53 or text that is not Unicode. "
            "Send it as plain text. Nothing was stored."
        ) from None


def of_raw(body: bytes) -> bytes:
    """Fingerprint a delivery over its bytes."""
    return hashlib.sha256(body).digest()
