"""Stacks: moto keeps them; what makes, changes and deletes their resources is ours.

moto skips types it does not know, replaces what it cannot update by nothing, deletes before it creates, and
leaves half a stack behind when something fails. Here an unknown type fails before anything is made; an
update makes, then changes what resolves to something else than before, then deletes; a creation that fails
is taken back.
"""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.cloudformation import parsing
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.models import CloudFormationBackend, Stack, cloudformation_backends
from moto.cloudformation.parsing import ResourceMap, clean_json
from moto.core.exceptions import ServiceException

from localcloud.cloudformation.kinds import KINDS, CannotDeploy
from localcloud.cloudformation.order import CircularDependency, creation_order
from localcloud.cloudformation.resources import (
    OwnResource,
    ResourceFailed,
    class_of,
    physical_name,
    successor_name,
)

LOG = logging.getLogger("localcloud.cloudformation")
FAILURES = (CannotDeploy, ClientError, BotoCoreError, ServiceException, LookupError, ValueError, TypeError)
KEPT = ("Retain", "RetainExceptOnCreate")

_moto_class_from_type = parsing.resource_class_from_type
_moto_create = parsing.parse_and_create_resource
_moto_parse_template = Stack.parse_template
_moto_resolve_parameters = CloudFormationBackend._resolve_update_parameters
_moto_create_stack = CloudFormationBackend.create_stack


def patch() -> None:
    """Put our making, changing and deleting in the place of moto's."""
    parsing.resource_class_from_type = _class_from_type
    parsing.parse_and_create_resource = _create_resource
    ResourceMap.create = _create_all  # type: ignore[method-assign]
    ResourceMap.update = _update_all  # type: ignore[method-assign]
    ResourceMap.delete = _delete_all  # type: ignore[method-assign]
    Stack.parse_template = staticmethod(_parse_template)  # type: ignore[method-assign]
    Stack.update = _update_stack  # type: ignore[method-assign]
    CloudFormationBackend.create_stack = _create_stack  # type: ignore[method-assign]
    CloudFormationBackend._resolve_update_parameters = _resolve_parameters  # type: ignore[method-assign]


# -- types and templates


def _class_from_type(resource_type: str) -> Any:
    return class_of(resource_type) if resource_type in KINDS else _moto_class_from_type(resource_type)


def refuse_unknown_types(template: Mapping[str, Any]) -> None:
    """Raise ResourceFailed for the first resource whose type nothing here can make."""
    for logical_id, resource in template.get("Resources", {}).items():
        kind = resource["Type"]
        if kind in KINDS or kind in parsing.NULL_MODELS or kind in parsing.get_model_map():
            continue
        reason = f"the local cloud does not have the type {kind}; add a kind to localcloud/cloudformation"
        raise ResourceFailed(logical_id, kind, "made", reason)


def _parse_template(template: str) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = json.loads(template)  # YAML's reader takes seconds for what CDK writes
    except json.JSONDecodeError:
        parsed = _moto_parse_template(template)
    return parsed


def _resolve_parameters(
    self: CloudFormationBackend, instance: Any, incoming_params: list[dict[str, Any]]
) -> dict[str, str]:
    # The cdk command line asks to keep parameters that were never given: their defaults hold.
    known = [
        one
        for one in incoming_params
        if not (one.get("UsePreviousValue") and one["ParameterKey"] not in instance.parameters)
    ]
    return _moto_resolve_parameters(self, instance, known)


# -- one resource


def _exists(resource_json: Mapping[str, Any], resources: ResourceMap) -> bool:
    condition = resource_json.get("Condition")
    return not condition or bool(resources.lazy_condition_map[condition])


def _resolved(resource_json: Mapping[str, Any], resources: ResourceMap) -> dict[str, Any]:
    properties = clean_json(copy.deepcopy(resource_json.get("Properties") or {}), resources)
    return dict(properties)


def _applied(resources: ResourceMap) -> dict[str, Any]:
    """Return what each resource of a stack was last made of, for telling whether it must change."""
    found: dict[str, Any] = resources.__dict__.setdefault("_localcloud_applied", {})
    return found


def _create_resource(
    logical_id: str,
    resource_json: dict[str, Any],
    resources_map: ResourceMap,
    account_id: str,
    region_name: str,
) -> Any:
    kind = resource_json["Type"]
    if not _exists(resource_json, resources_map):
        return None
    try:
        properties = _resolved(resource_json, resources_map)
        if kind not in KINDS:
            made = _moto_create(logical_id, resource_json, resources_map, account_id, region_name)
        else:
            stack = str(resources_map["AWS::StackName"])
            name = physical_name(KINDS[kind], stack, logical_id, properties)
            given = {"Properties": copy.deepcopy(properties)}
            made = class_of(kind).create_from_cloudformation_json(name, given, account_id, region_name)
            made.logical_resource_id = logical_id
    except ResourceFailed:
        raise  # a resource that this one needs
    except FAILURES as error:
        raise ResourceFailed(logical_id, kind, "made", error) from error
    _applied(resources_map)[logical_id] = (kind, properties)
    return made


def _change_resource(logical_id: str, resource_json: dict[str, Any], resources: ResourceMap) -> Any:
    """Bring a resource to what the template says now; return the one it replaces, if it does."""
    kind = resource_json["Type"]
    current = resources._parsed_resources[logical_id]
    try:
        properties = _resolved(resource_json, resources)
        if _applied(resources).get(logical_id) == (kind, properties):
            return None
        given = {"Type": kind, "Properties": copy.deepcopy(properties)}
        changed = _changed(current, kind, given, logical_id, resources)
    except ResourceFailed:
        raise
    except FAILURES as error:
        raise ResourceFailed(logical_id, kind, "changed", error) from error
    changed.cf_resource_type, changed.logical_resource_id = kind, logical_id
    resources._parsed_resources[logical_id] = changed
    _applied(resources)[logical_id] = (kind, properties)
    is_replaced = (
        isinstance(changed, OwnResource) and changed.physical_resource_id != current.physical_resource_id
    )
    return current if is_replaced else None


def _changed(current: Any, kind: str, given: dict[str, Any], logical_id: str, resources: ResourceMap) -> Any:
    account, region = resources._account_id, resources._region_name
    if kind in KINDS:
        name = successor_name(current, str(resources["AWS::StackName"]), logical_id, given["Properties"])
        return class_of(kind).update_from_cloudformation_json(current, name, given, account, region)
    model = _moto_class_from_type(kind)
    if hasattr(model.update_from_cloudformation_json, "__isabstractmethod__"):
        raise CannotDeploy(
            f"the local cloud cannot update the type {kind}; destroy the stack and deploy it again"
        )
    name = getattr(current, "name", logical_id)
    return model.update_from_cloudformation_json(
        original_resource=current,
        new_resource_name=name,
        cloudformation_json=given,
        account_id=account,
        region_name=region,
    )


def _delete_resource(resource: Any, logical_id: str, resources: ResourceMap) -> None:
    kind = getattr(resource, "cf_resource_type", "")
    try:
        resource_json = {"Type": kind, "Properties": _applied(resources).get(logical_id, ("", {}))[1]}
        if isinstance(resource, OwnResource):
            resource.delete(resources._account_id, resources._region_name)
        else:
            resources._delete_resource(resource, resource_json)
    except FAILURES as error:
        raise ResourceFailed(logical_id, kind, "deleted", error) from error


# -- all resources of a stack


def _order(resources: Mapping[str, Any]) -> list[str]:
    try:
        return creation_order(resources)
    except CircularDependency as error:
        raise ValidationError(message=str(error)) from error


def _create_all(self: ResourceMap, template: dict[str, Any]) -> bool:
    self._template = template
    self._resource_json_map = template["Resources"]
    made: list[Any] = [self[logical_id] for logical_id in _order(self._resource_json_map)]
    return all(one is None or one.is_created() for one in made)


def _update_all(
    self: ResourceMap, template: dict[str, Any], parameters: dict[str, Any] | None = None
) -> None:
    old = self._resource_json_map
    self._template = template
    if parameters:
        self.input_parameters = parameters
    self.load_mapping()
    self.load_parameters()
    self.load_conditions()
    wanted = {name: one for name, one in template["Resources"].items() if _exists(one, self)}
    self._resource_json_map = {**old, **template["Resources"]}
    replaced: list[tuple[str, Any]] = []
    for logical_id in _order(template["Resources"]):
        if logical_id not in wanted:
            continue
        resource_json = wanted[logical_id]
        if logical_id in self._parsed_resources and old[logical_id]["Type"] != resource_json["Type"]:
            replaced.append((logical_id, self._parsed_resources.pop(logical_id)))
        if logical_id not in self._parsed_resources:
            _ = self[logical_id]
        elif (before := _change_resource(logical_id, resource_json, self)) is not None:
            replaced.append((logical_id, before))
    for logical_id, before in reversed(replaced):
        if old[logical_id].get("UpdateReplacePolicy") not in KEPT:
            _delete_resource(before, logical_id, self)
    gone = {name: one for name, one in old.items() if name not in wanted}
    _delete_these(self, gone)
    self._resource_json_map = template["Resources"]


def _delete_these(self: ResourceMap, resources: Mapping[str, Mapping[str, Any]]) -> None:
    for logical_id in reversed(_order(resources)):
        resource = self._parsed_resources.pop(logical_id, None)
        if resource is None:
            continue
        if resources[logical_id].get("DeletionPolicy") in KEPT:
            continue
        _delete_resource(resource, logical_id, self)
        _applied(self).pop(logical_id, None)


def _delete_all(self: ResourceMap) -> None:
    _delete_these(self, self._resource_json_map)


# -- a stack


def _create_stack(self: CloudFormationBackend, name: str, template: str, *args: Any, **kwargs: Any) -> Stack:
    refuse_unknown_types(Stack.parse_template(template))
    before = set(self.stacks)
    try:
        return _moto_create_stack(self, name, template, *args, **kwargs)
    except Exception:
        for stack_id in set(self.stacks) - before:
            take_back(self.stacks.pop(stack_id))
        raise


def take_back(stack: Stack) -> None:
    """Delete what was made of a stack that failed to come up."""
    resources = stack.resource_map
    made = [name for name in reversed(list(_applied(resources))) if name in resources._parsed_resources]
    for logical_id in made:
        try:
            _delete_resource(resources._parsed_resources[logical_id], logical_id, resources)
        except ResourceFailed as error:
            LOG.warning("rolling back %s: %s", stack.name, error.reason)


def _update_stack(
    self: Stack,
    template: str,
    role_arn: str | None = None,
    parameters: dict[str, Any] | None = None,
    tags: dict[str, str] | None = None,
) -> None:
    parsed = Stack.parse_template(template)
    same = (
        parsed == self.template_dict and (parameters or {}) == self.parameters and tags in (None, self.tags)
    )
    if same and self.status != "UPDATE_FAILED":
        raise ValidationError(message="No updates are to be performed.")
    apply_template(self, template, parameters, tags=tags, role_arn=role_arn, verb="UPDATE")


def apply_template(
    stack: Stack,
    template: str,
    parameters: dict[str, Any] | None,
    *,
    tags: dict[str, str] | None,
    role_arn: str | None,
    verb: str,
) -> None:
    """Bring a stack to what a template says; leave it as VERB_FAILED when a resource fails."""
    parsed = Stack.parse_template(template)
    refuse_unknown_types(parsed)
    stack._add_stack_event(f"{verb}_IN_PROGRESS", resource_status_reason="User Initiated")
    try:
        stack.resource_map.update(parsed, parameters)
    except Exception as error:
        stack.status = f"{verb}_FAILED"
        stack._add_stack_event(stack.status, resource_status_reason=str(error))
        raise
    stack.template, stack.template_dict, stack.role_arn = template, parsed, role_arn
    stack.description = parsed.get("Description")
    stack.output_map = stack._create_output_map()
    if parameters:
        stack.parameters = parameters
    if tags is not None:
        stack.tags = tags
    _export_again(stack)
    stack._add_stack_event(f"{verb}_COMPLETE")
    stack.status = f"{verb}_COMPLETE"


def _export_again(stack: Stack) -> None:
    exports = cloudformation_backends[stack.account_id][stack.region_name].exports
    for name in [name for name, export in exports.items() if export.exporting_stack_id == stack.stack_id]:
        del exports[name]
    exports.update({export.name: export for export in stack.exports})
