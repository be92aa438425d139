"""Which region of AWS the commands use, and what they say where there is none."""

from pathlib import Path

import click
import pytest

from drumbeat.cli.parameters import ssm_client


@pytest.fixture(autouse=True)
def _no_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))


@pytest.mark.parametrize(
    ("variables", "option", "region"),
    [
        ({"AWS_REGION": "eu-central-1"}, None, "eu-central-1"),
        ({"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "us-east-1"}, None, "eu-central-1"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "us-east-1"}, None, "us-east-1"),
        ({"AWS_REGION": "eu-central-1"}, "us-west-2", "us-west-2"),
    ],
)
def test_the_region_is_the_option_s_or_else_the_environment_s(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], option: str | None, region: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    client, chosen = ssm_client(option)

    assert (chosen, client.meta.region_name) == (region, region)
    client.close()


def test_without_a_region_nothing_is_asked() -> None:
    with pytest.raises(click.UsageError, match=r"give --region or set AWS_REGION\. AWS was not asked"):
        ssm_client(None)
