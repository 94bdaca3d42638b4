"""Read synthesized templates as plain data, with intrinsic functions spelled out as text."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One resource of one stack; `properties` has its intrinsic functions spelled out."""

    stack: str
    id: str
    kind: str
    body: dict[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        """Return the properties as plain values."""
        spelled: dict[str, Any] = spell(self.body.get("Properties", {}))
        return spelled

    def __str__(self) -> str:
        """Name the resource in messages."""
        return f"{self.stack}/{self.id}"


@dataclass(frozen=True)
class Templates:
    """All templates of an assembly, by stack name such as `Dev-FlightsData`."""

    folder: Path

    @cached_property
    def files(self) -> dict[str, Path]:
        """Map stack names to template files."""
        found = {}
        for manifest in sorted(self.folder.glob("**/manifest.json")):
            for name, artifact in json.loads(manifest.read_text())["artifacts"].items():
                if artifact["type"] == "aws:cloudformation:stack":
                    properties = artifact["properties"]
                    found[properties.get("stackName", name)] = manifest.parent / properties["templateFile"]
        return found

    @cached_property
    def stacks(self) -> dict[str, dict[str, Any]]:
        """Map stack names to templates."""
        return {name: json.loads(path.read_text()) for name, path in self.files.items()}

    def resources(self, kind: str = "", stage: str = "") -> Iterator[Resource]:
        """Yield the resources of a kind (all by default) in a stage (all by default)."""
        for stack, template in self.stacks.items():
            for name, body in template["Resources"].items():
                if kind in ("", body["Type"]) and stack.startswith(stage):
                    yield Resource(stack, name, body["Type"], body)

    def one(self, kind: str, **properties: str) -> Resource:
        """Return the only resource of a kind with these properties."""
        found = [
            one
            for one in self.resources(kind)
            if all(one.properties.get(key) == value for key, value in properties.items())
        ]
        assert len(found) == 1, f"{len(found)} resources of {kind} with {properties}"
        return found[0]


def spell(value: Any) -> Any:
    """Replace intrinsic functions by what they stand for, with `${...}` where a value is not known."""
    match value:
        case list():
            value = [spell(item) for item in value]
        case {"Ref": name, **rest} if not rest:
            value = f"${{{name}}}"
        case {"Fn::GetAtt": path, **rest} if not rest:
            value = f"${{{'.'.join(path)}}}"
        case {"Fn::Join": [separator, parts], **rest} if not rest:
            value = separator.join(str(spell(part)) for part in parts)
        case {"Fn::Sub": str(text), **rest} if not rest:
            value = text
        case dict():
            value = {key: spell(item) for key, item in value.items()}
    return value


def as_list(value: Any) -> list[Any]:
    """Return a list as it is and anything else as a list of one."""
    return value if isinstance(value, list) else [value]


def statements_of(role: Resource) -> list[dict[str, Any]]:
    """Return what a role may do."""
    policies = role.properties.get("Policies", [])
    return [statement for policy in policies for statement in policy["PolicyDocument"]["Statement"]]
