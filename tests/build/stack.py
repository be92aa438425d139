"""Reading the template for its tests."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drumbeat.local.template import Reference

type Document = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent.parent


def resources(document: Document, kind: str) -> dict[str, Document]:
    """Return the properties of every resource of a type, by name."""
    found = {name: each for name, each in document["Resources"].items() if each["Type"] == kind}
    return {name: each.get("Properties", {}) for name, each in found.items()}


def functions(document: Document) -> dict[str, Document]:
    """Return the properties of every function, by the name of its folder."""
    return {Path(each["CodeUri"]).name: each for each in resources(document, "AWS::Serverless::Function").values()}


def environment(document: Document, function: str) -> dict[str, str]:
    """Return a function's variables: of a parameter its default, of other intrinsics some text."""
    variables = document["Globals"]["Function"]["Environment"]["Variables"] | functions(document)[function].get(
        "Environment", {}
    ).get("Variables", {})
    parameters = document["Parameters"].items()
    defaults = {name: str(declared["Default"]) for name, declared in parameters if "Default" in declared}
    return {
        name: defaults[parameter] if (parameter := str(getattr(value, "resource", None))) in defaults else _text(value)
        for name, value in variables.items()
    }


def role(document: Document, function: str) -> str:
    """Name the role of a function."""
    name = functions(document)[function]["Role"].resource
    assert isinstance(name, str)
    return name


def statements(document: Document, role: str) -> Iterator[Document]:
    """Yield the statements of a role's own policies."""
    for policy in document["Resources"][role]["Properties"]["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def listed(value: object) -> list[Any]:
    """Return a list where IAM allows a single value, too."""
    return value if isinstance(value, list) else [value]


def expand(text: str, **contents: str) -> Document:
    """Return what SAM makes of a template before CloudFormation sees it; `contents` names what a layer holds."""
    from samtranslator.translator.transform import transform  # type: ignore[import-untyped]
    from samtranslator.yaml_helper import yaml_parse  # type: ignore[import-untyped]

    document = yaml_parse(text)
    for name, resource in document["Resources"].items():
        for where in {"CodeUri", "ContentUri"} & resource.get("Properties", {}).keys():
            resource["Properties"][where] = f"s3://bucket/{contents.get(name, 'key')}"  # as `sam deploy` leaves them
    expanded: Document = transform(document, {}, _NoManagedPolicies())
    return expanded


class _NoManagedPolicies:
    """Our roles name no managed policy of AWS, so none needs an ARN."""

    def load(self) -> dict[str, str]:
        return {}


def _text(value: object) -> str:
    if not isinstance(value, Reference):
        return str(value)
    if value.function == "If":
        return _text(value.argument[1])
    return re.sub(r"^Stage$|\$\{Stage\}", "dev", str(value.argument))
