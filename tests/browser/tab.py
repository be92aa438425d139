"""A tab that notes what goes wrong on its pages, and tells whether a page is sound."""

from collections.abc import Collection, Iterator
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Error, Page, Request, Response

from tests.browser.looks import LOOKS, Look

# Drawn anew after a change of size or colours, and nothing moves any more.
STILL = """
async () => {
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  const ending = document.getAnimations().filter(each => each.effect.getComputedTiming().endTime < Infinity);
  await Promise.allSettled(ending.map(each => each.finished));
}
"""
# What cannot be scrolled into sight but by moving the whole page to the side.
TOO_WIDE = """
() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const framed = each => each.parentElement !== null &&
    (getComputedStyle(each.parentElement).overflowX !== 'visible' || framed(each.parentElement));
  const wide = [...document.body.querySelectorAll('*')]
    .filter(each => each.getBoundingClientRect().right > root.clientWidth + 1 && !framed(each))
    .map(each => each.outerHTML.slice(0, 80));
  return [`${root.scrollWidth} pixels`, ...wide.slice(0, 5)];
}
"""
# Without it a telephone draws a page as wide as a desktop's, and shrinks it.
FITS_TELEPHONES = "() => document.querySelector('meta[name=viewport][content*=\"width=device-width\"]') !== null"
INACCESSIBLE = """
async grave => {
  const {violations} = await axe.run({iframes: false, resultTypes: ['violations']});
  return violations.filter(rule => grave.includes(rule.impact)).flatMap(rule => rule.nodes.map(
    node => `${rule.id} (${rule.impact}): ${rule.help}: ${node.html.slice(0, 120)}: ${node.failureSummary}`));
}
"""
GRAVE = ["serious", "critical"]
NO_ORIGIN = ("data", "blob", "about")  # what needs no server
LEFT = "net::ERR_ABORTED"  # the page was left before the answer came


class Tab:
    """One tab. `page` is Playwright's; `failures` are what went wrong since the tab was opened."""

    def __init__(self, page: Page, look: Look) -> None:
        self.page = page
        self.failures: list[str] = []
        self._look = look
        self._origins: set[str] = set()
        self._expected: dict[str, int] = {}
        page.on("console", self._said)
        page.on("pageerror", self._stopped)
        page.on("request", self._asked)
        page.on("requestfailed", self._unanswered)
        page.on("response", self._answered)

    def open(self, url: str, *, status: int = 200) -> None:
        """Open a page that is answered with this status, and wait until it is loaded."""
        self._origins.add(_origin(url))
        self._expected[url] = status
        answer = self.page.goto(url)
        assert answer is not None
        assert answer.status == status, f"{url} was answered with {answer.status}"

    def sign_in(self, url: str, key: str) -> None:
        """Begin a session of an API key at the console that has this address."""
        self.open(f"{url}/sign-in")
        self.page.get_by_label("API key").fill(key)
        self.press("Sign in")

    def press(self, button: str) -> None:
        """Press the first button of this name, and wait for the page that follows."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=button, exact=True).first.click()

    def check(self, axe_at: Collection[Look] = LOOKS) -> None:
        """Assert that the page is sound in every look; see `faults`."""
        found = list(self.faults(axe_at))
        assert not found, "\n".join([f"{self.page.url} is not sound:", *found])

    def faults(self, axe_at: Collection[Look] = LOOKS) -> Iterator[str]:
        """Say what is wrong with the page as it now is, in every look.

        Something failed on it, it asked another origin, it is wider than its window, or axe finds something serious,
        in these looks: of a very long page it takes a minute for all.
        """
        yield from self.failures
        if not self.page.evaluate(FITS_TELEPHONES):
            yield "no telephone is told how wide it is: <meta name=viewport>"
        self.page.evaluate(AXE_SCRIPT)
        for look in LOOKS:
            self._take(look)
            yield from (f"too wide at {look}: {each}" for each in self.page.evaluate(TOO_WIDE))
            if look in axe_at:
                yield from (f"axe at {look}: {each}" for each in self.page.evaluate(INACCESSIBLE, GRAVE))
        self._take(self._look)

    def _take(self, look: Look) -> None:
        self.page.set_viewport_size({"width": look.width, "height": look.height})
        self.page.emulate_media(color_scheme=look.scheme)
        self.page.evaluate(STILL)

    def _said(self, message: ConsoleMessage) -> None:
        of_answer = message.location["url"] in self._expected and message.text.startswith("Failed to load resource")
        if message.type == "error" and not of_answer:
            self.failures.append(f"console: {message.text}")

    def _stopped(self, error: Error) -> None:
        self.failures.append(f"script: {error.message}")

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme not in NO_ORIGIN and _origin(request.url) not in self._origins:
            self.failures.append(f"another origin: {request.url}")

    def _unanswered(self, request: Request) -> None:
        if request.failure != LEFT:
            self.failures.append(f"no answer: {request.url}: {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400 and response.status != self._expected.get(response.url):
            self.failures.append(f"status {response.status}: {response.url}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
