"""What a mail's page says of reports: which ones a person may have sent, and which were."""

import re
import time
from dataclasses import dataclass

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.feedback import DROPPED, ENDED, SENT, Feedback, Report
from drumbeat.sandbox.mailbox import Mail
from drumbeat.sandbox.reports.sent import read_sent
from drumbeat.sandbox.state import State

CHOICES = (
    (Kind.OPENED, "Open"),
    (Kind.CLICKED, "Click a link"),
    (Kind.BOUNCED, "Bounce"),
    (Kind.SOFT_BOUNCED, "Soft bounce"),
    (Kind.COMPLAINED, "Complain (this is spam)"),
    (Kind.UNSUBSCRIBED, "Unsubscribe at the provider"),
)
LINK = re.compile(r'(?i)\bhref\s*=\s*["\'](https?://[^"\'\s]+)')
PLAIN_LINK = re.compile(r"https?://[^\s<>\"')]+")
GOOD = "did-accepted"
TONES = {SENT: GOOD, ENDED: "alarm", DROPPED: "plain"}
BAD_NEWS = {
    Kind.BOUNCED: "alarm",
    Kind.COMPLAINED: "alarm",
    Kind.REFUSED: "alarm",
    Kind.SOFT_BOUNCED: "warn",
    Kind.BLOCKED: "warn",
    Kind.DELAYED: "warn",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One report as the page shows it; `tone` is a class of the style sheet."""

    time: str
    kind: str
    to: str
    remark: str
    state: str
    tone: str
    answered: str


def choices(state: State, mail: Mail) -> list[tuple[str, str]]:
    """Return the kinds that the mail's provider can report now, each with the text of its button."""
    if not state.feedback.destinations:
        return []
    says = state.feedback.kinds(read_sent(state.record.entry(mail.number), mail.item))
    return [(kind.value, title) for kind, title in CHOICES if kind in says]


def first_link(state: State, mail: Mail) -> str:
    """Return the first link of a mail that does not lead to unsubscribing, or ''."""
    asked = state.content(mail)
    found = LINK.findall(str(asked.get("html") or "")) or PLAIN_LINK.findall(str(asked.get("text") or ""))
    return next((link for link in found if "/u/" not in link), "")


def lines(feedback: Feedback, mail: Mail) -> list[Line]:
    """Return what was reported of the mail, and what waits, in order of the planning."""
    return [_line(report) for report in feedback.of(mail.number, mail.item) if report.occurrence is not None]


def _line(report: Report) -> Line:
    assert report.occurrence is not None
    at = report.told_at if report.told_at is not None else report.due
    remarks = ("again" if report.copy else "", "of a mail never sent" if report.never_sent else "")
    answered = "no answer" if report.tries else ""
    tries = f", {report.tries} tries" if report.tries > 1 else ""
    tone = TONES.get(report.state, "warn" if report.tries else "plain")
    return Line(
        time=time.strftime("%H:%M:%S", time.localtime(at)),
        kind=report.occurrence.kind.replace("_", " "),
        to=report.occurrence.recipient,
        remark=", ".join(remark for remark in remarks if remark),
        state=report.state,
        tone=BAD_NEWS.get(report.occurrence.kind, tone) if tone == GOOD else tone,
        answered=f"{answered if report.status is None else report.status}{tries}",
    )
