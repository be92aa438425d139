"""What the control API and the pages refuse."""


class InvalidCommand(ValueError):
    """The command cannot be carried out; the message says what could be."""
