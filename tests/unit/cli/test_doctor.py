"""`drumbeat doctor`: what it takes."""

import pytest
from click.testing import CliRunner

from drumbeat.cli.doctor import command


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--account", "mail"), "need --mail ADDRESS"),
        (("--dns", "1.1.1.1"), "need --mail ADDRESS"),
        (("--mail", "b@c.io", "--payload", "{}"), "--payload is for a --template"),
        (("--mail", "b@c.io", "--template", "x", "--payload", "{"), "--payload is not JSON"),
        (("--mail", "b@c.io", "--template", "x", "--payload", "[]"), "--payload is not a JSON object"),
        (("--mail", "b@c.io", "--dns", "dns.google"), "IP address of a name server"),
    ],
)
def test_options_that_do_not_fit_are_said_before_anything_is_asked(options: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(command, options)

    assert done.exit_code == 2
    assert said in done.output
