"""The text that is made of a mail's HTML, or of its MJML."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drumbeat.planning.mail_checks import mail_checks
from drumbeat.planning.plain_text import plain_text


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("one<br>two<br/>three", "one\ntwo\nthree"),
        ("<h1>Hello &amp; welcome</h1><p>x</p>", "Hello & welcome\n===============\n\nx"),
        ("<h2>Hello <em>you</em></h2>x", "Hello you\n---------\n\nx"),
        ("<h3>Hello</h3>x", "Hello\n\nx"),
        ('Read <a href="https://a.example/?a=1&amp;b=2">the <b>post</b></a>!', "Read the post (https://a.example/?a=1&b=2)!"),
        ('<a href="https://a.example">https://a.example</a>', "https://a.example"),
        ('<a href="https://a.example"></a>', "https://a.example"),
        ('<a href="#top">up</a> <a>nowhere</a>', "up nowhere"),
        ('<a href="mailto:a@b.example">a@b.example</a>', "a@b.example"),
        ('<a href="mailto:a@b.example">write</a>', "write (a@b.example)"),
        ('<a href="https://a.example"><img src="x" alt="Fernwood"></a>', "Fernwood (https://a.example)"),
        ('<a href="https://a.example"><div>a</div><div>b</div></a>', "a\nb (https://a.example)"),
        ('<img alt=""> <img> x', "x"),
        ("<ul><li>one<li>two</ul>x", "-  one\n-  two\n\nx"),
        ("<ol><li><p>one</p></li><li>two</li></ol>", "1. one\n2. two"),
        ("<ul><li>one<ol><li>deep</li><li>deep</li></ol></li><li>b</li></ul>", "-  one\n   1. deep\n   2. deep\n-  b"),
        ("<ul><li>one<p>more of it</p></li></ul>", "-  one\n   more of it"),
        ("<table><tr><th>Plant<th>Price<tr><td>Fern</td><td>3&nbsp;€</td></table>", "Plant | Price\nFern | 3 €"),
        ("<table role=presentation><tr><td><p>left</p></td><td><p>right</p></td></tr></table>", "left\n\nright"),
        ("a<hr>b", f"a\n\n{'-' * 60}\n\nb"),
        ("<pre>a\n  b</pre>c", "a\n  b\n\nc"),
        ("<style>p { color: red }</style><script>x()</script><p>a</p>", "a"),
        ("<html><head><title>T</title><meta charset=utf-8></head><body>a</body></html>", "a"),
        ('<div style="color:red; display : none">pre<div>in</div><img>header</div>a', "a"),
        ('<span style="mso-hide:all">x</span><p hidden>y</p>a', "a"),
        ("<!-- a comment --><!--[if mso]><p>Outlook</p><![endif]-->a", "a"),
        ("&lt;script&gt; &copy; &#128512; &unknown;", "<script> © 😀 &unknown;"),
        ("a\u00adb\u200bc &zwj;👩\u200d🌾", "abc \u200d👩\u200d🌾"),
        ("  a \n\t b  ", "a b"),
        ("a <b> b</b> c", "a b c"),
        ("<p>a</p>\n\n\n<div></div><p></p>\n<p>b</p>", "a\n\nb"),
        ("<p>a</b></i></p></ul></a></h1></pre>b", "a\n\nb"),
    ],
)  # fmt: skip
def test_html_is_read_as_it_is_shown(html: str, expected: str) -> None:
    assert plain_text(html) == f"{expected}\n"


@pytest.mark.parametrize("html", ["", " \n", "<p> </p>", "<title>x</title>", '<p style="display:none">x</p>', "<img>"])
def test_what_shows_nothing_is_no_text(html: str) -> None:
    assert plain_text(html) == ""


def test_mjml_is_read_without_its_layout() -> None:
    mjml = """<mjml><mj-head><mj-preview>preview</mj-preview><mj-style>a { }</mj-style></mj-head><mj-body>
      <mj-section><mj-column><mj-text><h1>Hi</h1>Hello</mj-text></mj-column>
      <mj-column><mj-image src="https://a.example/x.png" alt="A fern" href="https://a.example" /></mj-column>
      </mj-section>
      <mj-section><mj-column><mj-button href="https://a.example/go">Go</mj-button><mj-divider /></mj-column>
      </mj-section>
      <mj-table><tr><td>1</td><td>2</td></tr></mj-table>
      <mj-social><mj-social-element name="x" href="https://x.example">X</mj-social-element></mj-social>
    </mj-body></mjml>"""

    assert plain_text(mjml) == (
        f"Hi\n==\n\nHello\n\nA fern (https://a.example)\n\nGo (https://a.example/go)\n\n{'-' * 60}\n\n1 | 2\n\n"
        "X (https://x.example)\n"
    )


PIECES = [
    "<![",
    "<![x[",
    "<![if x]>",
    "<!",
    "<!-",
    "<!--",
    "]]>",
    "<?",
    "<a href=",
    "</",
    "<p hidden>",
    "<img>",
    "&#",
    "x",
]


@given(st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=5)), max_size=12).map("".join))
def test_whatever_is_written_has_a_text_and_can_be_looked_at(html: str) -> None:
    assert isinstance(plain_text(html), str)
    assert mail_checks(html, None, {})


def test_a_long_mail_is_read_to_its_end() -> None:
    assert plain_text("<div>" * 3000 + "<p>a</p>" * 3000 + "</div>" * 3000).count("a\n") == 3000
