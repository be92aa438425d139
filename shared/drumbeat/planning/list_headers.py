"""The headers of a mail that belongs to a list, as mailbox providers want them. Set by us, and frozen with the mail."""

from drumbeat.core.address import quoted
from drumbeat.core.configuration import MailingList
from drumbeat.core.one_click import ONE_CLICK

# Of a mail to a list no step sets these.
NAMES = ("List-Unsubscribe", "List-Unsubscribe-Post", "List-Id", "List-Help", "Feedback-ID")
SENDER = "drumbeat"  # the last part of a Feedback-ID: 5 to 15 characters, always the same


def list_headers(mailing_list: MailingList, unsubscribe: str, flow: str, step: str) -> dict[str, str]:
    """Return the headers of one mail.

    RFC 8058: one HTTPS URI that a mailbox provider may post to, with exactly this text in List-Unsubscribe-Post. RFC
    2369: a page where a person finds help, the same. RFC 2919: a name of the list that stays. Feedback-ID is Gmail's,
    for its numbers of complaints: three parts of ours, then the sender.
    """
    host = unsubscribe.partition("://")[2].partition("/")[0].partition(":")[0]
    identity = f"<{mailing_list.name}.{host}>"
    title = mailing_list.title
    return {
        "List-Unsubscribe": f"<{unsubscribe}>",
        "List-Unsubscribe-Post": ONE_CLICK,
        "List-Id": f"{quoted(title)} {identity}" if title.isascii() and title.isprintable() else identity,
        "List-Help": f"<{unsubscribe}>",
        "Feedback-ID": f"{step}:{flow.replace(':', '.')}:{mailing_list.name}:{SENDER}",
    }
