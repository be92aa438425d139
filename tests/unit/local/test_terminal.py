"""What is printed to be pasted."""

import shlex

from drumbeat.local.terminal import export_line


def test_a_line_to_paste_survives_the_shell_whatever_the_key_holds() -> None:
    line = export_line(
        {"url": "http://127.0.0.1:8787", "api_key": "a+b $(rm) 'c'", "sandbox_url": "http://127.0.0.1:9"}
    )

    assert shlex.split(line) == [
        "export",
        "DRUMBEAT_URL=http://127.0.0.1:8787",
        "DRUMBEAT_KEY=a+b $(rm) 'c'",
        "SANDBOX=http://127.0.0.1:9",
    ]
