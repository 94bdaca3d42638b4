"""Resource types as the local cloud knows them: what creates, updates and deletes one through the service's
own API.

moto's models for CloudFormation drop properties, cannot update many types and lack others; its APIs are
much better. So a kind translates properties into the calls that CloudFormation itself would make.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from localcloud.context import Context

Properties = Mapping[str, Any]


class CannotDeploy(Exception):
    """A resource that the local cloud cannot create or change as the template asks; says what to do."""


@dataclass(frozen=True, kw_only=True)
class Made:
    """A resource that exists: what Ref gives, what GetAtt gives, and the name it was made under."""

    physical_id: str
    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


Create = Callable[[Context, str, Properties], Made]
Update = Callable[[Context, Made, Properties, Properties], Made]
Delete = Callable[[Context, Made, Properties], None]


def _nothing(context: Context, made: Made, properties: Properties) -> None:
    """Delete nothing."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """One resource type. Without `update`, `create` is a put: done again, it changes what there is."""

    type: str
    create: Create
    delete: Delete = _nothing
    update: Update | None = None
    name_property: str | None = None
    replaced_by: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    longest_name: int = 64

    def change(self, context: Context, made: Made, old: Properties, new: Properties) -> Made:
        """Change a resource in place."""
        if self.update is not None:
            return self.update(context, made, old, new)
        return self.create(context, made.name, new)


KINDS: dict[str, Kind] = {}


def register(*kinds: Kind) -> None:
    """Make kinds known by their type."""
    KINDS.update({kind.type: kind for kind in kinds})


# -- translating properties


def call(context: Context, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
    """Call an operation by its API name, with parameters brought into the shape its model asks for.

    Templates write numbers as text now and then, and whole numbers where the API wants text. Parameters that
    are None are left out. Raise CannotDeploy for a property that the operation does not know.
    """
    client = context.client(service)
    shape = client.meta.service_model.operation_model(operation).input_shape
    given = {key: value for key, value in parameters.items() if value is not None}
    method = next(name for name, api in client.meta.method_to_api_mapping.items() if api == operation)
    answer: dict[str, Any] = getattr(client, method)(**_shaped(given, shape, operation))
    return answer


def _shaped(value: Any, shape: Any, where: str) -> Any:
    kind = shape.type_name
    if kind == "structure" and isinstance(value, Mapping):
        if unknown := sorted(set(value) - set(shape.members)):
            raise CannotDeploy(f"{where} has no property {', '.join(unknown)}")
        return {key: _shaped(one, shape.members[key], f"{where}.{key}") for key, one in value.items()}
    if kind == "list" and isinstance(value, Sequence) and not isinstance(value, str):
        return [_shaped(one, shape.member, where) for one in value]
    if kind == "map" and isinstance(value, Mapping):
        return {str(key): _shaped(one, shape.value, f"{where}.{key}") for key, one in value.items()}
    return _scalar(value, kind)


def _scalar(value: Any, kind: str) -> Any:
    if kind == "string" and isinstance(value, bool | int | float):
        return str(value).lower() if isinstance(value, bool) else str(value)
    if isinstance(value, str) and kind in READERS:
        return READERS[kind](value)
    return value


READERS: dict[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "boolean": lambda text: text.lower() == "true",
}


def chosen(properties: Properties, *names: str) -> dict[str, Any]:
    """Return those of the named properties that are given."""
    return {name: properties[name] for name in names if name in properties}


def without(properties: Properties, *names: str) -> dict[str, Any]:
    """Return all properties but the named ones."""
    return {name: value for name, value in properties.items() if name not in names}


def document(value: Any) -> str | None:
    """Write a policy or pattern as the text the APIs take."""
    return value if value is None or isinstance(value, str) else json.dumps(value)


def camel(value: Any) -> Any:
    """Write the names of properties as the older APIs do, with a small first letter."""
    if isinstance(value, Mapping):
        return {key[:1].lower() + key[1:]: camel(one) for key, one in value.items()}
    return [camel(one) for one in value] if isinstance(value, list) else value


def tag_map(properties: Properties) -> dict[str, str]:
    """Return the tags as the newer APIs take them."""
    tags = properties.get("Tags") or []
    return dict(tags) if isinstance(tags, Mapping) else {tag["Key"]: str(tag["Value"]) for tag in tags}


def ignoring(*codes: str) -> Callable[[Callable[[], object]], bool]:
    """Return a caller that takes the named error codes for "gone already" or "there already"."""

    def attempt(action: Callable[[], object]) -> bool:
        try:
            action()
        except ClientError as error:
            if error.response["Error"]["Code"] not in codes:
                raise
            return False
        return True

    return attempt


def arn(context: Context, service: str, resource: str) -> str:
    """Compose an ARN in the local account and region."""
    return f"arn:aws:{service}:{context.region}:{context.account}:{resource}"
