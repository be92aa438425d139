"""A credential as plain text in a step is refused, with advice and without being quoted."""

import json

import pytest

from tests.unit.configuration.test_document import mistakes, step

SECRET = "s3cr3tVALUE99"


def call(**arguments: object) -> list[str]:
    given = {"method": "POST", "path": "/x"} | arguments
    return mistakes(step(f"{{id: a, account: site, action: call, with: {json.dumps(given)}}}"))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("Authorization", f"Bearer {SECRET}"),
        ("authorization", SECRET),
        ("Authorization", "Basic dXNlcjpwYXNz"),
        ("Authorization", f"{{{{ 'Bearer {SECRET}' }}}}"),
        ("Authorization", f"Bearer {SECRET}{{{{ payload.x | default('') }}}}"),
        ("Proxy-Authorization", f"Basic {SECRET}"),
        ("X-API-Key", SECRET),
        ("Api-Key", SECRET),
        ("apikey", SECRET),
        ("X-Auth-Token", SECRET),
        ("Private-Token", SECRET),
        ("X-Shop-Access-Token", SECRET),
        ("X-Webhook-Secret", SECRET),
        ("Ocp-Apim-Subscription-Key", SECRET),
        ("Cookie", f"sid={SECRET}"),
        ("X-Anything", "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"),
        ("X-Anything", "xoxb-" + "123456789012-abcdefghijkl"),
        ("X-Anything", "Bearer abcdefghijkl"),
    ],
)
def test_in_a_header(header: str, value: str) -> None:
    (message,) = call(headers={header: value})

    assert message.startswith(f"drumbeat.yaml:11: {header} holds a credential as plain text")
    assert 'headers: {Authorization: "Bearer {{ secret.token }}"}' in message
    assert value not in message and SECRET not in message


@pytest.mark.parametrize(
    "path",
    [
        f"/x?api_key={SECRET}",
        f"/x?a=1&access_token={SECRET}",
        f"/x?token={SECRET}&id={{{{ payload.id }}}}",
        f"/x?password={SECRET}",
        "/x/" + "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2",
        f"https://user:{SECRET}@example.com/x",
    ],
)
def test_in_a_path(path: str) -> None:
    (message,) = call(path=path)

    assert message.startswith("drumbeat.yaml:11: path holds a credential as plain text")
    assert SECRET not in message and path not in message


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer {{ payload.token }}"},
        {"Authorization": "{{ payload['access'] }}"},
        {"X-Author": "Ada"},
        {"X-Key": "order-7"},
        {"Content-Type": "application/xml"},
        {"X-Monkey-Name": "key"},
    ],
)
def test_what_an_event_gives_and_what_is_none_may_stand(headers: dict[str, str]) -> None:
    assert call(headers=headers) == []


@pytest.mark.parametrize("path", ["/x?token={{ payload.token }}", "/x?key=7&sort=asc", "/tokens/7", "/x?q=a@b"])
def test_so_may_paths_without_one(path: str) -> None:
    assert call(path=path) == []
