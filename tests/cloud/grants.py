"""What the deployed roles grant, one action on one resource at a time, and how one of them is taken away."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.build.stack import listed
from tests.cloud.deployed import Deployed

ACCOUNT = re.compile(r"arn:aws:\w+:[\w-]*:\d+:(?:(?:function|role|log-group|parameter)[:/])?(?P<id>.*?)(?::\*)?")


@dataclass(frozen=True)
class Grant:
    """One action that a role may (or, denied, must not) carry out on one resource."""

    role: str  # as in the template
    action: str
    resource: str  # a resource of the template, a parameter's name, a pattern
    denied: bool = False

    def __str__(self) -> str:
        return f"{self.role} {'never ' if self.denied else ''}{self.action} {self.resource}"


class Roles:
    """The roles of a deployment, as the account holds them."""

    def __init__(self, cloud: Deployed) -> None:
        self._iam = cloud.aws("iam")
        self._names = {name: id for name, id in cloud.names.items() if name.endswith("Role")}
        # Queues are called by their URLs there, and by their names in policies.
        self._resources = {id.rpartition("/")[2] if "://" in id else id: name for name, id in cloud.names.items()}

    def grants(self) -> set[Grant]:
        """Return everything that the roles' policies say."""
        return {
            grant
            for role in self._names
            for _, policy in self._policies(role)
            for grant, _ in self._split(role, policy)
        }

    @contextmanager
    def without(self, grant: Grant) -> Iterator[None]:
        """Take one permission out of its role, in place; put it back afterwards."""
        with self._instead(grant, []):
            yield

    @contextmanager
    def narrowed(self, grant: Grant, names: Sequence[str]) -> Iterator[None]:
        """Let a permission on everything below a path hold for these names only, for a while."""
        with self._instead(grant, names):
            yield

    @contextmanager
    def _instead(self, grant: Grant, names: Sequence[str]) -> Iterator[None]:
        (name, before), *_ = (
            (name, policy)
            for name, policy in self._policies(grant.role)
            if grant in {each for each, _ in self._split(grant.role, policy)}
        )
        statements = []
        for each, statement in self._split(grant.role, before):
            if each != grant:
                statements.append(statement)
            elif names:
                arns = [statement["Resource"].removesuffix("*") + name for name in names]
                statements.append({**statement, "Resource": arns})
        self._put(grant.role, name, {**before, "Statement": statements})
        try:
            yield
        finally:
            self._put(grant.role, name, before)

    def _policies(self, role: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        for name in self._iam.list_role_policies(RoleName=self._names[role])["PolicyNames"]:
            found = self._iam.get_role_policy(RoleName=self._names[role], PolicyName=name)
            yield name, found["PolicyDocument"]

    def _put(self, role: str, name: str, policy: Mapping[str, Any]) -> None:
        self._iam.put_role_policy(RoleName=self._names[role], PolicyName=name, PolicyDocument=json.dumps(policy))

    def _split(self, role: str, policy: Mapping[str, Any]) -> Iterator[tuple[Grant, Mapping[str, Any]]]:
        """Yield each action on each resource with a statement of its own."""
        for statement in policy["Statement"]:
            for action in listed(statement["Action"]):
                for arn in listed(statement["Resource"]):
                    single = {name: value for name, value in statement.items() if name != "Sid"}
                    denied = statement["Effect"] == "Deny"
                    yield Grant(role, action, self._named(arn), denied), {**single, "Action": action, "Resource": arn}

    def _named(self, arn: str) -> str:
        """Name a resource as the template does; parameters and patterns by their own words."""
        found = ACCOUNT.fullmatch(arn)
        if found is None:
            return arn
        return self._resources.get(found["id"], found["id"])
