"""How long one mail takes from its template to what is sent: python -m bench.mail

A small mail of MJML, the newsletter of the example, and the same as HTML, whose text part is made of more.
"""

import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from drumbeat.configuration.template_files import read_templates
from drumbeat.core.compatibility import SEMANTICS
from drumbeat.core.configuration import Template
from drumbeat.local.campaign_files import templates
from drumbeat.planning.context import Variables
from drumbeat.planning.mail_bodies import bodies, filled_markup
from drumbeat.planning.mjml import to_html
from drumbeat.planning.plain_text import plain_text
from drumbeat.planning.sample_values import sample_values

EXAMPLE = Path(__file__).parents[1] / "campaigns/drumbeat.yaml"
SMALL = (
    "<mjml><mj-body><mj-section><mj-column><mj-text>Hello {{ payload.name }}</mj-text>"
    '<mj-button href="{{ payload.link }}">Look</mj-button></mj-column></mj-section></mj-body></mjml>'
)
REPEATS = 500


def milliseconds(what: Callable[[], object]) -> float:
    """Return how much of a processor a call takes, once everything is loaded and compiled."""
    what()
    start = time.process_time()
    for _ in range(REPEATS):
        what()
    return (time.process_time() - start) / REPEATS * 1000


def figures() -> Iterator[tuple[str, float]]:
    """Measure each; yields what it is and milliseconds."""
    texts = {name: path.read_text() for name, path in templates(EXAMPLE).items()}
    newsletter = read_templates(texts)[0]["newsletter"]
    for name, template in (("a small mail", Template(None, None, None, mjml=SMALL)), ("the newsletter", newsletter)):
        seen = Variables(sample_values(template.sources("html")), SEMANTICS)
        filled = filled_markup(template, seen) or ""
        html = to_html(filled)
        yield f"{name}: MJML to HTML", milliseconds(partial(to_html, filled))
        yield f"{name}: its text part", milliseconds(partial(plain_text, filled))
        yield f"{name}: its text part, of HTML", milliseconds(partial(plain_text, html))
        yield f"{name}: whole", milliseconds(partial(bodies, template, seen))


if __name__ == "__main__":
    for name, took in figures():
        print(f"{took:8.3f} ms  {name}")
