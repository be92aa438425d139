import inspect
import subprocess
import sys
from collections.abc import Mapping

import pytest

from drumbeat.planning import actions
from drumbeat.providers import base_url, registry
from drumbeat.providers.base import Provider

PROVIDERS = [registry.get(name) for name in registry.names()]


def test_every_provider_of_the_table_loads_under_its_own_name() -> None:
    assert [provider.name for provider in PROVIDERS] == list(registry.names())


def test_a_process_that_sends_by_one_provider_loads_no_other() -> None:
    program = (
        "import sys; from drumbeat.providers import registry; registry.names(); registry.get('mailgun');"
        "print([name for name in ('mailgun', 'hubspot', 'resend', 'http_endpoint')"
        "       if f'drumbeat.providers.{name}' in sys.modules])"
    )

    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert run.stdout == "['mailgun']\n"


def test_another_name_is_no_provider() -> None:
    with pytest.raises(KeyError):
        registry.get("mailwave")


@pytest.mark.parametrize("provider", PROVIDERS, ids=lambda provider: provider.name)
def test_every_provider_declares_itself_completely(provider: Provider) -> None:
    assert registry.get(provider.name) is provider
    assert provider.actions
    assert provider.actions <= set(actions.names())
    assert "base_url" in provider.settings
    assert provider.settings["base_url"] == (provider.base_url is None)
    assert any(provider.secrets.values())
    assert "class" in (inspect.getdoc(type(provider)) or "")  # the docstring names the repeat class
    assert base_url.problems({"base_url": provider.base_url} if provider.base_url else {}) == []


@pytest.mark.parametrize(
    ("settings", "count"),
    [
        ({}, 0),
        ({"base_url": "https://api.example.com/v1"}, 0),
        ({"base_url": "http://127.0.0.1:8787/x"}, 0),
        ({"base_url": "api.example.com"}, 1),
        ({"base_url": "ftp://api.example.com"}, 1),
        ({"base_url": "https://"}, 1),
        ({"base_url": "https://a:b@api.example.com"}, 1),
        ({"base_url": "https://api.example.com?x=1"}, 1),
        ({"base_url": "https://api.example.com#x"}, 1),
        ({"base_url": "https://api.example.com:port"}, 1),
        ({"base_url": "https://[::1"}, 1),
        ({"base_url": "https://api.example.com\n"}, 1),
        ({"base_url": " https://api.example.com"}, 1),
        ({"base_url": "https://@api.example.com"}, 1),
    ],
)
def test_a_base_url_is_checked(settings: Mapping[str, str], count: int) -> None:
    assert len(base_url.problems(settings)) == count
