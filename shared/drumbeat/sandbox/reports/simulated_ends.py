"""The vendors' own test addresses, and what they document to become of mail to them."""

from collections.abc import Mapping

from drumbeat.core.feedback import Kind

ENDS: Mapping[str, Mapping[str, tuple[Kind, ...]]] = {
    # https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator
    "ses": {
        "bounce@simulator.amazonses.com": (Kind.BOUNCED,),
        "suppressionlist@simulator.amazonses.com": (Kind.BOUNCED,),
        "complaint@simulator.amazonses.com": (Kind.DELIVERED, Kind.COMPLAINED),
    },
    # https://resend.com/docs/dashboard/emails/send-test-emails
    "resend": {
        "bounced@resend.dev": (Kind.BOUNCED,),
        "suppressed@resend.dev": (Kind.BOUNCED,),
        "complained@resend.dev": (Kind.DELIVERED, Kind.COMPLAINED),
    },
    # https://postmarkapp.com/developer/user-guide/sandbox-mode/generate-fake-bounces
    "postmark": {
        "hardbounce@bounce-testing.postmarkapp.com": (Kind.BOUNCED,),
        "softbounce@bounce-testing.postmarkapp.com": (Kind.SOFT_BOUNCED,),
        "transient@bounce-testing.postmarkapp.com": (Kind.SOFT_BOUNCED,),
        "spamnotification@bounce-testing.postmarkapp.com": (Kind.BLOCKED,),
    },
}


def end_of(provider: str, recipient: str) -> tuple[Kind, ...]:
    """Return what becomes of a mail after the provider has taken it; any other address gets it.

    A label behind a `+` changes nothing, nor do case and, as at Postmark, underscores.
    """
    name, _, host = recipient.lower().partition("@")
    address = f"{name.partition('+')[0].replace('_', '')}@{host}"
    return ENDS.get(provider, {}).get(address, (Kind.DELIVERED,))
