"""Leaving a list by one click (RFC 8058), to the letter: what the mail says, and what a mailbox provider then posts."""

FIELD, VALUE = "List-Unsubscribe", "One-Click"
ONE_CLICK = f"{FIELD}={VALUE}"
