"""What is wrong with a page is found: else no test of a page would mean anything."""

import pytest

from tests.browser.site import Answer, site
from tests.browser.tab import Tab

WHOLE = "<!doctype html><html lang=en><title>A page</title><meta name=viewport content='width=device-width'>"


def faults(tab: Tab, html: str) -> list[str]:
    missing = Answer("", 404)
    with site(lambda path: missing if path == "/missing.png" else Answer(html)) as address:
        tab.open(address)
        return list(tab.faults())


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ("<script>null.x</script>", "script: "),
        ("<script>console.error('no!')</script>", "console: no!"),
        ("<img src='http://localhost:1/x.png' alt=''>", "another origin: http://localhost:1/x.png"),
        ("<img src='http://localhost:1/x.png' alt=''>", "no answer: http://localhost:1/x.png"),
        ("<img src='/missing.png' alt=''>", "status 404: "),
        ("<pre style='width: 600px'>wide</pre>", "too wide at 390 pixels, light: 608 pixels"),
        ("<img src='/'>", "axe at 1280 pixels, light: image-alt (critical)"),
        (
            "<style>:root {color-scheme: light dark} p {background: #fff; color: light-dark(#000, #bbb)}</style><p>Hi",
            "axe at 390 pixels, dark: color-",
        ),
    ],
)
def test_what_is_wrong_is_found(tab: Tab, html: str, fault: str) -> None:
    found = faults(tab, WHOLE + html)

    assert any(each.startswith(fault) for each in found), found


def test_a_page_that_no_telephone_fits_is_found(tab: Tab) -> None:
    assert [each[:13] for each in faults(tab, "<!doctype html><html lang=en><title>A page</title>")] == [
        "no telephone "
    ]


def test_a_wide_table_that_can_be_scrolled_is_sound(tab: Tab) -> None:
    assert faults(tab, WHOLE + "<div style='overflow-x: auto' tabindex=0><pre style='width: 2000px'>wide") == []


def test_what_one_tab_stores_no_other_sees(tab: Tab, other: Tab) -> None:
    with site(lambda _path: Answer(WHOLE)) as address:
        tab.open(address)
        tab.page.evaluate("localStorage.setItem('name', 'value')")
        other.open(address)

        assert other.page.evaluate("localStorage.getItem('name')") is None
