"""Deployments: may a version become champion, which one to go back to, and the requests that serve it."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from trimtab import names
from trimtab.canonical import digest
from trimtab.errors import BadInput
from trimtab.model.instances import has_local_storage

Outcome = Literal["ignored", "already champion", "superseded"]
VARIANT = "champion"
SUBJECT = ("action", "package_arn", "to_version", "actor", "reason", "at")


def objection(version: int, approval: str, champion: int | None) -> tuple[Outcome, str] | None:
    """Say why an approved version is not to be promoted after all, or return None.

    >>> objection(2, "Approved", 3)
    ('superseded', 'version 3 has become champion since; to go back to version 2, roll back')
    """
    if approval != "Approved":
        return "ignored", f"version {version} is {approval} by now"
    if version == champion:
        return "already champion", f"version {version} is champion already"
    if champion is not None and version < champion:
        why = f"version {champion} has become champion since; to go back to version {version}, roll back"
        return "superseded", why
    return None


def champions(promotions: Iterable[Mapping[str, Any]]) -> list[int]:
    """Return the champions that lie under each other, the present one last, from the log in order of time.

    A rollback takes away every version above the one it goes back to.

    >>> steps = (("promote", 1), ("promote", 2), ("rollback", 1))
    >>> log = [{"action": action, "to": version} for action, version in steps]
    >>> champions(log)
    [1]
    """
    stack: list[int] = []
    for entry in promotions:
        version = int(entry["to"])
        if entry["action"] == "rollback" and version in stack:
            del stack[stack.index(version) :]
        stack.append(version)
    return stack


def rollback_target(stack: list[int], to_version: int | None) -> int:
    """Return the version to go back to; raise BadInput when there is none or it never was champion before."""
    if not stack:
        raise BadInput("there is no champion, so there is nothing to roll back from")
    if to_version is None:
        if len(stack) < 2:
            raise BadInput(f"version {stack[-1]} is the first champion; there is none before it")
        return stack[-2]
    if to_version not in stack[:-1]:
        known = ", ".join(map(str, stack[:-1])) or "none"
        raise BadInput(
            f"version {to_version} was not champion before version {stack[-1]}; choose from: {known}"
        )
    return to_version


def previous_of(stack: list[int], version: int, action: str) -> int | None:
    """Return the version that lies under `version` once it is champion."""
    below = stack[: stack.index(version)] if action == "rollback" else stack
    return below[-1] if below else None


def serving_name(environment: str, project: str, version: int, subject: Mapping[str, Any]) -> str:
    """Name a deployment's model and configuration: the same request again has the same name."""
    mark = digest({name: subject[name] for name in SUBJECT if name in subject})[:8]
    return f"{names.endpoint(environment, project)}-v{version}-{mark}"


def container(version: int, image: str, model_url: str, region: str) -> dict[str, Any]:
    """Return the container that serves a version; its code lies in the model's archive."""
    return {
        "Image": image,
        "ModelDataUrl": model_url,
        "Environment": {
            "SAGEMAKER_PROGRAM": "inference.py",
            "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code",
            "SAGEMAKER_CONTAINER_LOG_LEVEL": "20",
            "SAGEMAKER_REGION": region,
            "TRIMTAB_MODEL_VERSION": str(version),
            # A request is small: one thread answers it sooner than many that have to be woken.
            "OMP_NUM_THREADS": "1",
            "OMP_WAIT_POLICY": "PASSIVE",
        },
    }


def variants(name: str, instance_type: str, instance_count: int) -> list[dict[str, Any]]:
    """Return the endpoint's one variant; raise BadInput for an instance with disks of its own.

    Their volumes take no key of ours, and captured requests must not lie on them unencrypted.
    """
    if has_local_storage(instance_type):
        raise BadInput(
            f"{instance_type} has disks of its own, which take no key of ours; choose another "
            "endpoint_instance_type for this environment, such as ml.m5.large"
        )
    return [
        {
            "VariantName": VARIANT,
            "ModelName": name,
            "InstanceType": instance_type,
            "InitialInstanceCount": instance_count,
            "InitialVariantWeight": 1,
        }
    ]


def tags(environment: str, project: str) -> list[dict[str, str]]:
    """Return the tags of everything that serves."""
    return [{"Key": "project", "Value": project}, {"Key": "environment", "Value": environment}]
