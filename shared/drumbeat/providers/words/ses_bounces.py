"""The types of bounces of Amazon SES, which Resend, that sends by it, passes on.

SES developer guide, "Contents of event data that Amazon SES publishes to Amazon SNS", "Bounce types".
"""

from drumbeat.core.feedback import Kind

PERMANENT = "Permanent"
# Other bounces that another mail to the same address need not meet.
_OF_THE_MAIL = frozenset({"MessageTooLarge", "ContentRejected", "AttachmentRejected"})


def bounced_as(type: str, part: str) -> Kind:
    """Return the kind of a bounce by its `bounceType` and `bounceSubType`."""
    if type == PERMANENT:
        return Kind.BOUNCED
    return Kind.BLOCKED if part in _OF_THE_MAIL else Kind.SOFT_BOUNCED
