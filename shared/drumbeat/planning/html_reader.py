"""The standard library's parser of HTML, which takes whatever a template's author has written."""

from html.parser import HTMLParser


class HtmlReader(HTMLParser):
    """Passes over declarations that no one knows, at which the library fails."""

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """Read `<![...]>`."""
        try:
            return super().parse_marked_section(i, report)
        except AssertionError:
            return i + len("<![")
