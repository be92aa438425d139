"""A vendor's key goes to that vendor, over https, whatever `base_url` says."""

import pytest

from drumbeat.providers import registry, vendor_hosts

VENDORS = sorted(name for name in registry.names() if registry.get(name).base_url)
SETTINGS = {"region": "eu-central-1"}


@pytest.mark.parametrize("name", VENDORS)
def test_a_vendor_s_own_address_is_good(name: str) -> None:
    provider = registry.get(name)
    own = vendor_hosts.own_url(provider, SETTINGS)

    assert own is not None
    assert vendor_hosts.problem(provider, own, SETTINGS) is None
    assert vendor_hosts.problem(provider, f"{own}:443/v3".upper().replace("HTTPS", "https"), SETTINGS) is None


def test_mailgun_is_in_two_regions() -> None:
    assert vendor_hosts.problem(registry.get("mailgun"), "https://api.eu.mailgun.net", {}) is None


def test_a_receiver_of_the_user_s_own_may_be_anywhere() -> None:
    assert vendor_hosts.problem(registry.get("http"), "https://erp.example.com/hooks", {}) is None


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
    (host, *_) = sorted(vendor_hosts.hosts(provider, SETTINGS))

    assert "goes nowhere else" in (vendor_hosts.problem(provider, written.replace("HOST", host), SETTINGS) or "")


def test_an_account_s_region_is_its_only_host() -> None:
    ses = registry.get("ses")

    assert vendor_hosts.own_url(ses, SETTINGS) == "https://email.eu-central-1.amazonaws.com"
    assert vendor_hosts.problem(ses, "https://email.us-east-1.amazonaws.com", SETTINGS) is not None


@pytest.mark.parametrize(
    "region", ["", "evil.example/", "evil.example#", "evil.example?", "x@evil.example", "a.b", "EU", "{region}", "a\n"]
)
def test_a_region_cannot_lead_elsewhere(region: str) -> None:
    ses = registry.get("ses")
    settings = {"region": region}

    assert vendor_hosts.own_url(ses, settings) == "https://email.invalid.amazonaws.com"
    assert vendor_hosts.problem(ses, f"https://email.{region}", settings) is not None
    assert vendor_hosts.problem(ses, "https://email.evil.example", settings) is not None
