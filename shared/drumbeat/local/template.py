"""What the local stack reads from `template.yaml`: functions with their routes, queues and schedules."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RATE = re.compile(r"rate\((\d+) (minute|hour|day)s?\)")
SECONDS = {"minute": 60, "hour": 3600, "day": 86400}
QUEUE_ATTRIBUTES = (
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "DelaySeconds",
    "MaximumMessageSize",
)


@dataclass(frozen=True)
class Reference:
    """An intrinsic that is not resolved here: which one, and to what it was applied."""

    function: str
    argument: Any

    @property
    def resource(self) -> str | None:
        """Name the resource that `!Ref` or `!GetAtt` points at."""
        if self.function == "Ref":
            return str(self.argument)
        if self.function == "GetAtt":
            return str(self.argument if isinstance(self.argument, str) else self.argument[0]).split(".")[0]
        return None


@dataclass(frozen=True)
class Route:
    """One route of the HTTP API."""

    method: str  # ANY matches all
    path: str  # /v1/events/{id}, /v1/{proxy+}, or $default
    function: str


@dataclass(frozen=True)
class Queue:
    """One SQS queue."""

    resource: str
    attributes: Mapping[str, str]
    dead_letters: str | None  # resource name of its dead letter queue
    receives: int  # after so many it goes there


@dataclass(frozen=True)
class Feed:
    """A function fed from a queue."""

    function: str
    queue: str
    batch: int


@dataclass(frozen=True)
class Schedule:
    """A function invoked at a rate."""

    name: str
    function: str
    every: float  # seconds
    input: str | None


@dataclass(frozen=True)
class Function:
    """One Lambda function."""

    name: str  # the folder: functions/<name>/app.py
    timeout: float
    memory: int
    environment: Mapping[str, str]  # literal values only
    queue_variables: Mapping[str, str]  # variables that hold the URL of a queue, by its resource name

    @property
    def module(self) -> str:
        """Name the module of its handler."""
        return f"functions.{self.name}.app"


@dataclass(frozen=True)
class Template:
    """The parts of the stack that exist on one machine too."""

    functions: Mapping[str, Function]
    routes: tuple[Route, ...]
    queues: Mapping[str, Queue]
    feeds: tuple[Feed, ...]
    schedules: tuple[Schedule, ...]

    @classmethod
    def load(cls, path: Path) -> "Template":
        """Read a SAM template; raises ValueError for an event that has no local counterpart."""
        return read(parse(path.read_text()))


def parse(text: str) -> dict[str, Any]:
    """Parse CloudFormation's YAML; intrinsics become `Reference`."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    def reference(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Reference:
        if isinstance(node, yaml.ScalarNode):
            return Reference(suffix, loader.construct_scalar(node))
        if isinstance(node, yaml.SequenceNode):
            return Reference(suffix, loader.construct_sequence(node, deep=True))
        assert isinstance(node, yaml.MappingNode)
        return Reference(suffix, loader.construct_mapping(node, deep=True))

    Loader.add_multi_constructor("!", reference)
    document = yaml.load(text, Loader)  # noqa: S506 - a SafeLoader with inert tags
    assert isinstance(document, dict)
    return document


def read(document: Mapping[str, Any]) -> Template:
    """Pick out functions, routes, queues and schedules."""
    common = document.get("Globals", {}).get("Function", {})
    queues = {name: _queue(name, properties) for name, properties in _resources(document, "AWS::SQS::Queue")}
    functions: dict[str, Function] = {}
    routes: list[Route] = []
    feeds: list[Feed] = []
    schedules: list[Schedule] = []
    for resource, properties in _resources(document, "AWS::Serverless::Function"):
        function = _function(properties, common, queues)
        functions[function.name] = function
        for event, declared in properties.get("Events", {}).items():
            details = declared.get("Properties", {})
            match declared["Type"]:
                case "HttpApi":
                    routes.append(
                        Route(details.get("Method", "ANY").upper(), details.get("Path", "$default"), function.name)
                    )
                case "SQS":
                    feeds.append(Feed(function.name, _named(details["Queue"]), int(details.get("BatchSize", 10))))
                case "ScheduleV2" | "Schedule":
                    if details.get("State") != "DISABLED" and details.get("Enabled", True) is not False:
                        schedules.append(_schedule(f"{resource}{event}", function.name, details))
                case other:
                    raise ValueError(f"{resource}.{event}: the local stack knows no events of type {other}")
    return Template(functions, tuple(routes), queues, tuple(feeds), tuple(schedules))


def _resources(document: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, resource in document["Resources"].items():
        if resource["Type"] == kind:
            yield name, resource.get("Properties", {})


def _function(properties: Mapping[str, Any], common: Mapping[str, Any], queues: Mapping[str, Queue]) -> Function:
    def setting(name: str, default: float) -> float:
        return float(properties.get(name, common.get(name, default)))

    variables: dict[str, Any] = {}
    for owner in (common, properties):
        variables |= owner.get("Environment", {}).get("Variables", {})
    return Function(
        name=Path(properties["CodeUri"]).name,
        timeout=setting("Timeout", 3),
        memory=int(setting("MemorySize", 128)),
        environment={name: str(value) for name, value in variables.items() if isinstance(value, str | int | float)},
        queue_variables={
            name: str(value.argument)
            for name, value in variables.items()
            if isinstance(value, Reference) and value.function == "Ref" and value.argument in queues
        },
    )


def _schedule(name: str, function: str, details: Mapping[str, Any]) -> Schedule:
    expression = details.get("ScheduleExpression") or details.get("Schedule")
    rate = RATE.fullmatch(str(expression))
    if rate is None:
        raise ValueError(f"{name}: the local clock knows rate(...), not {expression}")
    given = details.get("Input")
    return Schedule(name, function, int(rate[1]) * SECONDS[rate[2]], given if isinstance(given, str) else None)


def _queue(name: str, properties: Mapping[str, Any]) -> Queue:
    attributes = {key: str(properties[key]) for key in QUEUE_ATTRIBUTES if isinstance(properties.get(key), int | str)}
    redrive = properties.get("RedrivePolicy", {})
    target = redrive.get("deadLetterTargetArn")
    return Queue(name, attributes, _named(target) if target else None, int(redrive.get("maxReceiveCount", 5)))


def _named(value: object) -> str:
    resource = value.resource if isinstance(value, Reference) else None
    if resource is None:
        raise ValueError(f"{value}: a queue is named by !GetAtt or !Ref")
    return str(resource)
