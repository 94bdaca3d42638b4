"""Resources as moto's stacks hold them, made and changed by their kinds."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

from moto.cloudformation.exceptions import ValidationError
from moto.core.common_models import CloudFormationModel

from localcloud.bridges import Bridge
from localcloud.cloudformation.kinds import KINDS, CannotDeploy, Kind, Made

bridge = Bridge()


class ResourceFailed(ValidationError):
    """A resource could not be made, changed or deleted; says which, and why."""

    def __init__(self, logical_id: str, resource_type: str, verb: str, reason: Exception | str) -> None:
        """Say which resource, and what could not be done to it."""
        message = getattr(reason, "message", None) or str(reason) or type(reason).__name__
        self.reason = f"Resource {logical_id} ({resource_type}) could not be {verb}: {message}"
        super().__init__(message=self.reason)


class OwnResource(CloudFormationModel):
    """A resource of one of our kinds."""

    kind: ClassVar[Kind]

    def __init__(self, made: Made, properties: Mapping[str, Any]) -> None:
        """Hold what was made, and of which properties."""
        self.made = made
        self.properties = properties
        self.cf_resource_type = self.type = self.kind.type
        self.logical_resource_id = ""

    @property
    def physical_resource_id(self) -> str:
        """Return what Ref gives."""
        return self.made.physical_id

    @property
    def name(self) -> str:
        """Return the name it was made under."""
        return self.made.name

    @staticmethod
    def cloudformation_type() -> str:
        """Return a type of no template: the kinds have their own."""
        return "LocalCloud::Resource"

    @staticmethod
    def cloudformation_name_type() -> str:
        """Return no name property: the kinds have their own."""
        return ""

    @classmethod
    def has_cfn_attr(cls, attr: str) -> bool:
        """Tell whether GetAtt knows an attribute."""
        return attr in cls.kind.attributes

    def get_cfn_attribute(self, attribute_name: str) -> Any:
        """Return what GetAtt gives; raise ValidationError for an unknown attribute."""
        if attribute_name not in self.made.attributes:
            raise ValidationError(
                message=f"Template error: {self.kind.type} {self.logical_resource_id} does not support "
                f"attribute type {attribute_name} in Fn::GetAtt"
            )
        return self.made.attributes[attribute_name]

    @classmethod
    def create_from_cloudformation_json(
        cls,
        resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
        **_: Any,
    ) -> OwnResource:
        """Make the resource through its service's API."""
        properties = cloudformation_json["Properties"]
        return cls(cls.kind.create(bridge.context, resource_name, properties), properties)

    @classmethod
    def update_from_cloudformation_json(
        cls,
        original_resource: OwnResource,
        new_resource_name: str,
        cloudformation_json: dict[str, Any],
        account_id: str,
        region_name: str,
    ) -> OwnResource:
        """Change the resource, or make its successor under a new name."""
        old, new = original_resource.properties, cloudformation_json["Properties"]
        if new_resource_name == original_resource.name and not replacing(cls.kind, old, new):
            return cls(cls.kind.change(bridge.context, original_resource.made, old, new), new)
        return cls.create_from_cloudformation_json(
            new_resource_name, cloudformation_json, account_id, region_name
        )

    @classmethod
    def delete_from_cloudformation_json(
        cls, resource_name: str, cloudformation_json: dict[str, Any], account_id: str, region_name: str
    ) -> None:
        """Refuse: resources delete themselves."""
        raise CannotDeploy(f"{cls.kind.type} {resource_name} was not made here")

    def delete(self, account_id: str, region_name: str) -> None:
        """Delete the resource through its service's API."""
        self.kind.delete(bridge.context, self.made, self.properties)


@cache
def class_of(resource_type: str) -> type[OwnResource]:
    """Return the class for resources of a kind's type."""
    kind = KINDS[resource_type]
    name = resource_type.replace("::", "")
    return type(name, (OwnResource,), {"kind": kind, "__module__": __name__})


def replacing(kind: Kind, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return the properties whose change needs another resource in the place of this one."""
    return [name for name in kind.replaced_by if old.get(name) != new.get(name)]


def physical_name(
    kind: Kind, stack: str, logical_id: str, properties: Mapping[str, Any], salt: str = ""
) -> str:
    """Return the name a template gives, or one that is a function of stack and logical id."""
    if kind.name_property and kind.name_property in properties:
        return str(properties[kind.name_property])
    suffix = hashlib.sha256(json.dumps([stack, logical_id, salt]).encode()).hexdigest()[:12]
    stem = f"{stack}-{logical_id}"[: kind.longest_name - 13]
    name = f"{stem}-{suffix}"
    return name.lower() if kind.type == "AWS::S3::Bucket" else name


def successor_name(resource: OwnResource, stack: str, logical_id: str, new: Mapping[str, Any]) -> str:
    """Return the name after an update: the same, the one now asked for, or a fresh one for a replacement.

    Raise CannotDeploy where CloudFormation does: a fixed name, and a change that needs a replacement.
    """
    kind, old = resource.kind, resource.properties
    asked = new.get(kind.name_property) if kind.name_property else None
    if asked is not None and asked != resource.name:
        return str(asked)
    replaced = replacing(kind, old, new)
    if not replaced:
        return resource.name
    if asked is not None:
        raise CannotDeploy(
            f"it must be replaced because {', '.join(replaced)} changed, but its name {asked} is fixed; "
            "give it another name, or delete it first"
        )
    salt = json.dumps([new.get(name) for name in replaced], sort_keys=True, default=str)
    return physical_name(kind, stack, logical_id, new, salt)
