"""Posted bodies read apart: every browser's encoding gives the same fields."""

import pytest

from drumbeat.core.errors import Invalid
from drumbeat.public import fields
from drumbeat.public.fields import JSON, URLENCODED, Flawed

BOUNDARY = "multipart/form-data; boundary=x"


def part(head: str, value: bytes) -> bytes:
    return f"--x\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"


def test_the_same_fields_in_each_encoding() -> None:
    urlencoded = fields.read(URLENCODED, b"a=%C3%BC+x&b=&a=2")
    multipart = fields.read(
        'multipart/form-data; boundary="x"',
        part('name="a"', "ü x".encode()) + part('name="b"', b"") + part('name="a"', b"2") + b"--x--",
    )

    assert urlencoded == multipart == {"a": ["ü x", "2"], "b": [""]}


def test_lines_and_boundaries_inside_a_value_stay_what_they_are() -> None:
    value = b'one\r\n--y\r\n\r\nNAME: name="z"\r\n'

    assert fields.read(BOUNDARY, part('name="a"', value) + b"--x--\r\n") == {"a": [value.decode()]}


def test_an_input_for_files_that_was_left_empty_is_none_and_a_file_is_named() -> None:
    empty = part('name="photo"; filename=""', b"") + part('name="a"', b"1") + b"--x--"

    assert fields.read(BOUNDARY, empty) == {"a": ["1"]}
    with pytest.raises(Flawed, match="photo is a file"):
        fields.read(BOUNDARY, part('name="photo"; filename="me.jpg"', b"\xff\xd8") + b"--x--")


def test_json_keeps_numbers_and_flags_and_null_says_nothing() -> None:
    read = fields.read(JSON, b'{"seats": 3, "share": 0.5, "agreed": true, "name": null, "text": "x"}')

    assert read == {"seats": [3], "share": [0.5], "agreed": [True], "text": ["x"]}


@pytest.mark.parametrize("body", [b'{"a": [1]}', b'{"a": {}}', b'{"a": []}', b'{"a": {"b": {"c": 1}}}'])
def test_json_in_json_is_named(body: bytes) -> None:
    with pytest.raises(Flawed, match="a has to be text"):
        fields.read(JSON, body)


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (BOUNDARY, b"--x\r\nContent-Type: text/plain\r\n\r\n1\r\n--x--"),
        (BOUNDARY, b"--x\r\nno end of a head"),
        (BOUNDARY, b""),
        (BOUNDARY, b"--x\r\n\r\n" * 300),
        # A name is at the beginning of a line: looked for everywhere, this took four seconds of a processor.
        (BOUNDARY, b"--x\r\n" + b"Content-Disposition: form-data;" * 2100 + b"\r\n--x--"),
        (BOUNDARY, b'--x\r\nX: content-disposition: form-data; name="a"\r\n\r\n1\r\n--x--'),
        (JSON, b"null"),
        (JSON, b""),
        (JSON, b"[" * 100_000),
        (JSON, b'{"a": "\\u0000"}'),
        (JSON, b'{"a": "\\ud800"}'),
        (JSON, b'{"a": NaN}'),
        (JSON, b'{"a": 123456789012345678901}'),
        (JSON, b'{"a": ' + b"9" * 5000 + b"}"),  # Python reads no number of so many digits
        (JSON, b'{"a": {"b": -' + b"9" * 5000 + b"}}"),
        (f"{URLENCODED}; charset=utf-16", b"a=1"),
    ],
)
def test_what_is_no_form_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(Invalid):
        fields.read(kind, body)


def test_a_name_is_repeated_in_part_and_only_as_far_as_it_can_be_shown() -> None:
    refused = fields.flawed([fields.Flaw("a\r\nb" + "x" * 100, fields.UNKNOWN)], {})

    assert (
        refused.detail
        == f"a??b{'x' * 60}... is no field of this form. Nothing was stored; correct it and send it again."
    )
