"""Roles and policies. The local cloud keeps them but enforces none: tests of the templates do that."""

from __future__ import annotations

from functools import partial
from typing import Any

from localcloud.cloudformation.kinds import (
    Kind,
    Made,
    Properties,
    call,
    chosen,
    document,
    ignoring,
    register,
)
from localcloud.context import Context

MOST_VERSIONS = 5

_gone = ignoring("NoSuchEntity")


def _create_role(context: Context, name: str, properties: Properties) -> Made:
    role = call(
        context,
        "iam",
        "CreateRole",
        RoleName=name,
        AssumeRolePolicyDocument=document(properties["AssumeRolePolicyDocument"]),
        **chosen(properties, "Path", "Description", "MaxSessionDuration", "PermissionsBoundary", "Tags"),
    )["Role"]
    made = Made(physical_id=name, name=name, attributes={"Arn": role["Arn"], "RoleId": role["RoleId"]})
    _give(context, made, {}, properties)
    return made


def _give(context: Context, made: Made, old: Properties, new: Properties) -> None:
    before = {policy["PolicyName"] for policy in old.get("Policies") or []}
    wanted = {policy["PolicyName"]: policy["PolicyDocument"] for policy in new.get("Policies") or []}
    for gone in before - set(wanted):
        call(context, "iam", "DeleteRolePolicy", RoleName=made.name, PolicyName=gone)
    for policy, text in wanted.items():
        written = document(text)
        call(context, "iam", "PutRolePolicy", RoleName=made.name, PolicyName=policy, PolicyDocument=written)
    attached, asked = set(old.get("ManagedPolicyArns") or []), set(new.get("ManagedPolicyArns") or [])
    for policy in attached - asked:
        call(context, "iam", "DetachRolePolicy", RoleName=made.name, PolicyArn=policy)
    for policy in sorted(asked - attached):
        _attach(context, made.name, policy)


def _attach(context: Context, role: str, policy: str) -> None:
    attached = _gone(lambda: call(context, "iam", "AttachRolePolicy", RoleName=role, PolicyArn=policy))
    if not attached and not policy.startswith("arn:aws:iam::aws:policy/"):
        raise LookupError(f"there is no policy {policy} to attach to role {role}")


def _update_role(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    trust = document(new["AssumeRolePolicyDocument"])
    call(context, "iam", "UpdateAssumeRolePolicy", RoleName=made.name, PolicyDocument=trust)
    settings: dict[str, Any] = {"Description": new.get("Description", "")}
    settings.update(chosen(new, "MaxSessionDuration"))
    call(context, "iam", "UpdateRole", RoleName=made.name, **settings)
    if new.get("Tags") and new.get("Tags") != old.get("Tags"):
        call(context, "iam", "TagRole", RoleName=made.name, Tags=new["Tags"])
    _give(context, made, old, new)
    return made


def _delete_role(context: Context, made: Made, properties: Properties) -> None:
    name = made.name
    for policy in call(context, "iam", "ListRolePolicies", RoleName=name)["PolicyNames"]:
        call(context, "iam", "DeleteRolePolicy", RoleName=name, PolicyName=policy)
    for attached in call(context, "iam", "ListAttachedRolePolicies", RoleName=name)["AttachedPolicies"]:
        call(context, "iam", "DetachRolePolicy", RoleName=name, PolicyArn=attached["PolicyArn"])
    call(context, "iam", "DeleteRole", RoleName=name)


def _put_policy(context: Context, name: str, properties: Properties) -> Made:
    policy, written = properties["PolicyName"], document(properties["PolicyDocument"])
    for kind in ("Role", "User", "Group"):
        for holder in properties.get(f"{kind}s") or []:
            target = {f"{kind}Name": holder}
            call(context, "iam", f"Put{kind}Policy", PolicyName=policy, PolicyDocument=written, **target)
    return Made(physical_id=policy, name=policy)


def _delete_policy(context: Context, made: Made, properties: Properties) -> None:
    for kind in ("Role", "User", "Group"):
        for holder in properties.get(f"{kind}s") or []:
            target = {f"{kind}Name": holder, "PolicyName": properties["PolicyName"]}
            _gone(partial(call, context, "iam", f"Delete{kind}Policy", **target))


def _update_policy(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    changed = _put_policy(context, made.name, new)
    left = {
        **old,
        **{
            kind: [one for one in old.get(kind) or [] if one not in (new.get(kind) or [])]
            for kind in ("Roles", "Users", "Groups")
        },
    }
    _delete_policy(context, made, left)
    return changed


def _create_managed_policy(context: Context, name: str, properties: Properties) -> Made:
    policy = call(
        context,
        "iam",
        "CreatePolicy",
        PolicyName=name,
        PolicyDocument=document(properties["PolicyDocument"]),
        **chosen(properties, "Path", "Description"),
    )["Policy"]["Arn"]
    for role in properties.get("Roles") or []:
        call(context, "iam", "AttachRolePolicy", RoleName=role, PolicyArn=policy)
    return Made(physical_id=policy, name=name, attributes={"PolicyArn": policy})


def _update_managed_policy(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    policy = made.physical_id
    versions = call(context, "iam", "ListPolicyVersions", PolicyArn=policy)["Versions"]
    if len(versions) >= MOST_VERSIONS:
        oldest = next(one for one in reversed(versions) if not one["IsDefaultVersion"])
        call(context, "iam", "DeletePolicyVersion", PolicyArn=policy, VersionId=oldest["VersionId"])
    written = document(new["PolicyDocument"])
    call(context, "iam", "CreatePolicyVersion", PolicyArn=policy, PolicyDocument=written, SetAsDefault=True)
    before, after = set(old.get("Roles") or []), set(new.get("Roles") or [])
    for role in before - after:
        call(context, "iam", "DetachRolePolicy", RoleName=role, PolicyArn=policy)
    for role in after - before:
        call(context, "iam", "AttachRolePolicy", RoleName=role, PolicyArn=policy)
    return made


def _delete_managed_policy(context: Context, made: Made, properties: Properties) -> None:
    policy = made.physical_id
    for role in properties.get("Roles") or []:
        _gone(partial(call, context, "iam", "DetachRolePolicy", RoleName=role, PolicyArn=policy))
    for version in call(context, "iam", "ListPolicyVersions", PolicyArn=policy)["Versions"]:
        if not version["IsDefaultVersion"]:
            call(context, "iam", "DeletePolicyVersion", PolicyArn=policy, VersionId=version["VersionId"])
    call(context, "iam", "DeletePolicy", PolicyArn=policy)


register(
    Kind(
        type="AWS::IAM::Role",
        name_property="RoleName",
        create=_create_role,
        update=_update_role,
        delete=_delete_role,
        replaced_by=("Path",),
        attributes=("Arn", "RoleId"),
    ),
    Kind(
        type="AWS::IAM::Policy",
        name_property="PolicyName",
        create=_put_policy,
        update=_update_policy,
        delete=_delete_policy,
    ),
    Kind(
        type="AWS::IAM::ManagedPolicy",
        name_property="ManagedPolicyName",
        create=_create_managed_policy,
        update=_update_managed_policy,
        delete=_delete_managed_policy,
        replaced_by=("Path", "Description"),
        attributes=("PolicyArn",),
        longest_name=128,
    ),
)
