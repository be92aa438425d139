"""The mail that a person asks for to look at it: the flow that it belongs to is known by its name alone.

`check:ACCOUNT`, `check:ACCOUNT:LIST`, `check:ACCOUNT:LIST:TEMPLATE`, or `check:ACCOUNT::TEMPLATE`. No name that a
configuration can have holds a colon, so none of its flows is called so. `preview:CAMPAIGN` has the mails of a campaign,
for one address.
"""

PREFIX = "check:"
PREVIEW = "preview:"
STEP = "mail"
SOURCE = "drumbeat:check"  # of the events that ask for such a mail
SUBJECT = "Drumbeat: a mail to check the account {account}"

_WHY = (
    "This mail was sent by `drumbeat doctor --mail` through the account {account}. It is here to be looked at; nothing"
    " has to be done about it."
)
_LEAVE = "It was sent as the list {list} sends its mails. To leave that list:"


def flow_name(account: str, mailing_list: str | None = None, template: str | None = None) -> str:
    """Return the name of the flow of one such mail."""
    return f"{PREFIX}{account}:{mailing_list or ''}:{template or ''}".rstrip(":")


def preview_flow(campaign: str) -> str:
    """Return the name of the flow of a campaign's mails to one address."""
    return f"{PREVIEW}{campaign}"


def previewed(name: str) -> str | None:
    """Return the campaign whose mails a flow of this name has; None: it is no such flow."""
    return name.removeprefix(PREVIEW) if name.startswith(PREVIEW) else None


def parts(name: str) -> tuple[str, str, str]:
    """Return account, list and template of a flow's name; "": none."""
    account, mailing_list, template, *_ = [*name.removeprefix(PREFIX).split(":"), "", ""]
    return account, mailing_list, template


def arguments(account: str, mailing_list: str, template: str, *, has_subject: bool) -> dict[str, str]:
    """Return the mail as a step writes it: a template's words, or our own."""
    given = {"to": "{{ payload.email }}"} | ({"list": mailing_list} if mailing_list else {})
    subject = {} if has_subject else {"subject": SUBJECT.format(account=account)}
    if template:
        return given | subject | {"template": template}
    return given | subject | {"text": _text(account, mailing_list), "html": _html(account, mailing_list)}


def _text(account: str, mailing_list: str) -> str:
    why = _WHY.format(account=account)
    if not mailing_list:
        return f"{why}\n"
    return f"{why}\n\n{_LEAVE.format(list=mailing_list)}\n{{{{ unsubscribe_url }}}}\n\n{{{{ postal_address }}}}\n"


def _html(account: str, mailing_list: str) -> str:
    paragraphs = [_WHY.format(account=account)]
    if mailing_list:
        link = '<a href="{{ unsubscribe_url }}">unsubscribe</a>'
        paragraphs += [f"{_LEAVE.format(list=mailing_list)} {link}", "{{ postal_address }}"]
    return "".join(f"<p>{each}</p>\n" for each in paragraphs)
