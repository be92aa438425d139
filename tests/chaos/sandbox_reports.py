"""What the providers reported of the mails that they took, and whether that was acknowledged: by their own record."""

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from drumbeat.core.feedback import Kind
from drumbeat.sandbox.feedback import ENDED, SENT, Feedback
from drumbeat.sandbox.sandbox import Sandbox
from tests.chaos.oracle import ACCOUNTS


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that a provider reported, however often; `effect`: None where no mail was ever sent."""

    account: str
    effect: UUID | None
    kind: Kind
    name: str
    acknowledged: bool = False
    given_up: bool = False


def told(record: Path) -> list[Told]:
    """Read it from a copy of the record, which the sandbox goes on writing."""
    with tempfile.TemporaryDirectory(prefix="drumbeat-chaos-record-") as folder:
        shutil.copy(record, folder)
        sandbox = Sandbox(Path(folder))
        try:
            found: dict[str, Told] = {}
            for one in _told(sandbox.state.feedback):
                before = found.get(one.name, one)
                acknowledged, given_up = before.acknowledged or one.acknowledged, before.given_up or one.given_up
                found[one.name] = Told(one.account, one.effect, one.kind, one.name, acknowledged, given_up)
            return list(found.values())
        finally:
            sandbox.record.close()


def _told(feedback: Feedback) -> Iterator[Told]:
    for report in feedback.reports.values():
        if report.occurrence is not None:
            sent = feedback.sent(report)
            effect = None if report.never_sent else UUID(sent.key.rpartition("-")[0])
            name = f"{report.occurrence.name}|{report.never_sent}"
            yield Told(
                ACCOUNTS[sent.provider],
                effect,
                report.occurrence.kind,
                name,
                acknowledged=report.state == SENT,
                given_up=report.state == ENDED,
            )
