"""A vendor's key goes to that vendor, over https, whatever `base_url` says."""

import pytest

from drumbeat.providers import registry, vendor_hosts

VENDORS = sorted(name for name in registry.names() if registry.get(name).base_url)


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_s_own_address_is_good(name: str) -> None:
    provider = registry.get(name)

    assert provider.base_url is not None
    assert vendor_hosts.problem(provider, provider.base_url) is None
    assert vendor_hosts.problem(provider, f"{provider.base_url}:443/v3".upper().replace("HTTPS", "https")) is None


def test_mailgun_is_in_two_regions() -> None:
    assert vendor_hosts.problem(registry.get("mailgun"), "https://api.eu.mailgun.net") is None


def test_a_receiver_of_the_user_s_own_may_be_anywhere() -> None:
    assert vendor_hosts.problem(registry.get("http"), "https://erp.example.com/hooks") is None


@pytest.mark.parametrize("name", VENDORS)
@pytest.mark.parametrize(
    "written",
    [
        "https://evil.example",
        "http://HOST",
        "https://HOST.evil.example",
        "https://evil.example/HOST",
        "https://evil.example#HOST",
        "https://evil.example?HOST",
        "https://HOST@evil.example",
        "https://HOST:x@evil.example",
        "https://HOST\\@evil.example",
        "https://evil.example\\.HOST",
        "https://HOST:8443",
        "https://HOST.",
        "https://HOST%2eevil.example",
        "https://HOST/../..//evil.example",
        "https:HOST",
        "https:///HOST",
        "https://xHOST",
        "https://HOST\n.evil.example",
        " https://HOST",
        "//HOST",
        "",
    ],
)
def test_no_spelling_leads_elsewhere(name: str, written: str) -> None:
    provider = registry.get(name)
    (host, *_) = sorted(vendor_hosts.hosts(provider))

    assert "goes nowhere else" in (vendor_hosts.problem(provider, written.replace("HOST", host)) or "")
