"""Pictures of the pages for the documents: `make screenshots` writes docs/images/ anew.

A local stack with the sample configuration gets a few leads and one fault, and another one lives through a night: then
each page of `PICTURES` is opened.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from tests.browser.chromium import chromium, new_tab
from tests.browser.looks import DESKTOP, TELEPHONE, Look
from tests.browser.night import Night
from tests.flow.stacks import ROOT, Stack, eventually

FOLDER = ROOT / "docs/images"
LARGEST = 100_000  # bytes: a clone has them all
COLOURS = 256  # as many as need one byte: a third of the size, and no eye sees a difference
DARK = Look(DESKTOP.width, DESKTOP.height, "dark")
LEADS = {"ada@example.com": "Ada", "bob@example.com": "Bob", "cleo@example.com": "Cleo"}


@dataclass(frozen=True, slots=True)
class Picture:
    """One page: where the stack's ready line says that its server is, and the path there, with ids of the stack."""

    name: str
    server: str
    path: str
    look: Look = DESKTOP


OF_A_FEW_LEADS = (
    Picture("sandbox-mail", "sandbox_url", "/mail/0"),
    Picture("sandbox-what-happened", "sandbox_url", "/mail/0?view=record", DARK),
    Picture("sandbox-faults", "sandbox_url", "/lies"),
    Picture("form", "url", "/f/signup", TELEPHONE),
)
OF_A_NIGHT = (
    Picture("console-now", "url", "/"),
    Picture("console-effect", "url", "/effects/{held-effect}", DARK),
    Picture("console-run", "url", "/runs/{waiting-run}"),
    Picture("console-person", "url", "/people?q=eve%40example.com", TELEPHONE),
    Picture("console-accounts", "url", "/accounts", Look(TELEPHONE.width, TELEPHONE.height, "dark")),
)
PICTURES = OF_A_FEW_LEADS + OF_A_NIGHT


def main() -> None:
    """Write every picture."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        stack = Stack(Path(home), ROOT / "campaigns/drumbeat.yaml").start()
        try:
            fill(stack)
            take(OF_A_FEW_LEADS, stack, {})
        finally:
            stack.end()
    with tempfile.TemporaryDirectory() as home:
        night = Night(Path(home))
        try:
            night.pass_by()
            take(OF_A_NIGHT, night.stack, night.ids)
        finally:
            night.stack.end()


def fill(stack: Stack) -> None:
    """Let some leads come in, and the provider answer the first mail with a lie."""
    fault = {"lie": "accept_then_500", "provider": "mailgun", "times": 1}
    assert stack.call("POST", "/_sandbox/lies", fault, url=stack.ready["sandbox_url"])[0] < 300
    for email, name in LEADS.items():
        lead = {
            "type": "LEAD_CAPTURE",
            "source": "website",
            "payload": {"email": email, "name": name},
            "idempotencyKey": name,
        }
        event = stack.call("POST", "/v1/events", lead)[2]["eventId"]
        eventually(lambda event=event: stack.done(event))  # type: ignore[misc]
    assert stack.call("POST", "/_sandbox/lies", {**fault, "times": 3}, url=stack.ready["sandbox_url"])[0] < 300


def take(pictures: Sequence[Picture], stack: Stack, ids: Mapping[str, str]) -> None:
    """Take each picture, as one who has signed in."""
    with chromium() as browser:
        for picture in pictures:
            with new_tab(browser, picture.look) as tab:
                tab.sign_in(stack.ready["url"], stack.ready["api_key"])
                tab.open(stack.ready[picture.server] + picture.path.format_map(ids))
                file = FOLDER / f"{picture.name}.png"
                tab.page.screenshot(path=file, animations="disabled")
            with Image.open(file) as shot:
                few = shot.convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            few.save(file, optimize=True)
            size = file.stat().st_size
            assert size <= LARGEST, f"{file.name} has {size:,} bytes, of {LARGEST:,}; show less of the page"
            print(f"{size / 1000:4.0f} kB  {file.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
