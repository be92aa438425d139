"""Name servers made of a dictionary."""

from collections.abc import Mapping

from drumbeat.cli.mail.records import Answer, Ask


class Zone:
    """Answers from literal records, and remembers what it was asked."""

    def __init__(self, records: Mapping[str, str | tuple[str, ...] | Answer]) -> None:
        self._records = records
        self.asked: list[str] = []

    def ask(self, name: str) -> Answer:
        self.asked.append(name)
        found = self._records.get(name, ())
        return found if isinstance(found, Answer) else Answer((found,) if isinstance(found, str) else found)


def zone(records: Mapping[str, str | tuple[str, ...] | Answer]) -> Ask:
    return Zone(records).ask


AWAY = Answer(unknown="no name server answered within 5 seconds")
