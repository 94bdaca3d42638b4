"""Change sets: what the cdk command line uses unless told otherwise.

moto finds a change set by its name alone, although every stack's has the same one, forgets the outputs of
stacks it creates this way, and cannot import what other stacks export.
"""

from __future__ import annotations

from typing import Any

from moto.cloudformation.exceptions import CloudFormationError
from moto.cloudformation.models import ChangeSet, CloudFormationBackend, Stack
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.responses import ActionResult, EmptyResult

from localcloud.cloudformation.engine import apply_template, refuse_unknown_types, take_back

_moto_create = CloudFormationBackend.create_change_set
_moto_validate = CloudFormationResponse._validate_different_update


class ChangeSetNotFound(CloudFormationError):
    """There is no such change set for that stack."""

    code = "ChangeSetNotFound"


def patch() -> None:
    """Put our change sets in the place of moto's."""
    ChangeSet._parse_template = _parse  # type: ignore[method-assign]
    CloudFormationBackend.create_change_set = _create  # type: ignore[method-assign, assignment]
    CloudFormationResponse.describe_change_set = _describe  # type: ignore[method-assign]
    CloudFormationResponse.execute_change_set = _execute  # type: ignore[method-assign]
    CloudFormationResponse.delete_change_set = _delete  # type: ignore[method-assign]
    CloudFormationResponse._validate_different_update = _allow_empty_change_sets  # type: ignore[method-assign]


def _parse(self: ChangeSet) -> None:
    self.template_dict = Stack.parse_template(self.template)


def _create(
    self: CloudFormationBackend,
    stack_name: str,
    change_set_name: str,
    template: str,
    parameters: dict[str, str],
    **settings: Any,
) -> tuple[str, str]:
    refuse_unknown_types(Stack.parse_template(template))
    if settings.get("change_set_type") == "UPDATE":
        parameters = _as_given(self.get_stack(stack_name), parameters)
    change_set_id, stack_id = _moto_create(
        self, stack_name, change_set_name, template, parameters, **settings
    )
    stack = self.stacks[stack_id]
    stack.cross_stack_resources = stack.resource_map.cross_stack_resources = self.exports
    return change_set_id, stack_id


def _allow_empty_change_sets(self: CloudFormationResponse, *arguments: Any, **named: Any) -> None:
    """Let a change set without changes be made: it fails by its status, which is how cdk knows."""
    if self._get_action() != "CreateChangeSet":
        _moto_validate(self, *arguments, **named)


def _as_given(stack: Stack, parameters: dict[str, str]) -> dict[str, str]:
    """Tell what was given from what it resolved to, which moto takes for the previous value."""
    resolved = stack.resource_map.resolved_parameters
    given = {}
    for key, value in parameters.items():
        if key in resolved and resolved[key] == value:
            if key in stack.parameters:
                given[key] = stack.parameters[key]
        else:
            given[key] = value
    return given


def _find(response: CloudFormationResponse) -> ChangeSet | None:
    name, stack = response._get_param("ChangeSetName"), response._get_param("StackName")
    known = response.cloudformation_backend.change_sets
    if name in known:
        return known[name]
    matching = [
        one
        for one in known.values()
        if one.change_set_name == name and stack in (None, one.stack_name, one.stack_id)
    ]
    return matching[-1] if matching else None


def _found(response: CloudFormationResponse) -> ChangeSet:
    change_set = _find(response)
    if change_set is None:
        raise ChangeSetNotFound(f"ChangeSet [{response._get_param('ChangeSetName')}] does not exist")
    return change_set


def _describe(self: CloudFormationResponse) -> ActionResult:
    return ActionResult(_found(self))


def _delete(self: CloudFormationResponse) -> ActionResult:
    if (change_set := _find(self)) is not None:
        del self.cloudformation_backend.change_sets[change_set.change_set_id]
    return EmptyResult()


def _execute(self: CloudFormationResponse) -> ActionResult:
    change_set = _found(self)
    stack, is_new = change_set.stack, change_set.change_set_type == "CREATE"
    try:
        apply_template(
            stack,
            change_set.template,
            change_set.parameters,
            tags=change_set.tags,
            role_arn=change_set.role_arn,
            verb="CREATE" if is_new else "UPDATE",
        )
    except Exception:
        if is_new:
            take_back(stack)
            stack.status = "ROLLBACK_COMPLETE"
            stack._add_stack_event("ROLLBACK_COMPLETE")
        raise
    change_set.execution_status = "EXECUTE_COMPLETE"
    return EmptyResult()
