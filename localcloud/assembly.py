"""Deploy a CDK assembly: exactly the files that `cdk deploy` would send, in the order of the stacks'
dependencies.
"""

from __future__ import annotations

import io
import json
import logging
import zipfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from localcloud.context import Context

LOG = logging.getLogger("localcloud.assembly")
QUALIFIER = "hnb659fds"
BOOTSTRAP_VERSION = "30"
ZIP_TIME = (1980, 1, 1, 0, 0, 0)  # the same folder gives the same bytes


class DeploymentFailed(Exception):
    """A stack could not be deployed; names the stack, the resource and the reason."""


@dataclass(frozen=True, kw_only=True)
class StackArtifact:
    """One stack of an assembly."""

    id: str
    name: str
    template: Path
    asset_manifest: Path | None
    parameters: Mapping[str, str]
    tags: Mapping[str, str]
    needs: tuple[str, ...]
    environment: str


def deploy(context: Context, folder: Path, stages: Collection[str] = ()) -> dict[str, dict[str, str]]:
    """Publish the assets and create or update the stacks, all or some stages'; return their outputs by name.

    A stack whose template and parameters have not changed is left alone. Raise DeploymentFailed, also when
    the assembly is missing, was made for another account, or needs Docker.
    """
    if not (folder / "manifest.json").is_file():
        raise DeploymentFailed(f"there is no assembly in {folder}: synthesize the app first")
    bootstrap(context)
    outputs = {}
    if stages and not any(stacks_of(folder, stages)):
        raise DeploymentFailed(f"the assembly in {folder} has no stage named {', '.join(stages)}")
    for stack in in_order(list(stacks_of(folder, stages))):
        _refuse_elsewhere(context, stack)
        if stack.asset_manifest is not None:
            publish(context, stack.asset_manifest)
        outputs[stack.name] = _deploy_stack(context, stack)
    return outputs


# -- reading the assembly


def stacks_of(folder: Path, stages: Collection[str] = ()) -> Iterator[StackArtifact]:
    """Yield the stacks of an assembly and of the stages nested in it, or of the named stages only."""
    artifacts = json.loads((folder / "manifest.json").read_text())["artifacts"]
    for name, artifact in artifacts.items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "cdk:cloud-assembly":
            if not stages or properties.get("displayName", name) in stages:
                yield from stacks_of(folder / properties["directoryName"])
        elif artifact["type"] == "aws:cloudformation:stack" and not stages:
            needs = artifact.get("dependencies", [])
            manifests = [
                folder / artifacts[one]["properties"]["file"]
                for one in needs
                if artifacts[one]["type"] == "cdk:asset-manifest"
            ]
            yield StackArtifact(
                id=name,
                name=properties.get("stackName", name),
                template=folder / properties["templateFile"],
                asset_manifest=manifests[0] if manifests else None,
                parameters=properties.get("parameters", {}),
                tags=properties.get("tags", {}),
                needs=tuple(one for one in needs if artifacts[one]["type"] == "aws:cloudformation:stack"),
                environment=artifact.get("environment", ""),
            )


def in_order(stacks: list[StackArtifact]) -> list[StackArtifact]:
    """Return the stacks, what others depend on first."""
    known = {stack.id: stack for stack in stacks}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for stack in stacks:
        sorter.add(stack.id, *(one for one in stack.needs if one in known))
    return [known[name] for name in sorter.static_order()]


def _refuse_elsewhere(context: Context, stack: StackArtifact) -> None:
    account, _, region = stack.environment.removeprefix("aws://").partition("/")
    for what, wanted, here in (("account", account, context.account), ("region", region, context.region)):
        if wanted and not wanted.startswith("unknown-") and wanted != here:
            raise DeploymentFailed(
                f"stack {stack.name} is made for {what} {wanted}, the local cloud is {here}: "
                f"synthesize it for the local {what}"
            )


# -- assets


def bootstrap(context: Context) -> None:
    """Make what `cdk bootstrap` makes and deployments need: the asset bucket and the version parameter."""
    bucket = asset_bucket(context)
    s3 = context.client("s3")
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    name = f"/cdk-bootstrap/{QUALIFIER}/version"
    context.client("ssm").put_parameter(Name=name, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)


def asset_bucket(context: Context) -> str:
    """Return the name of the bootstrap bucket."""
    return f"cdk-{QUALIFIER}-assets-{context.account}-{context.region}"


def publish(context: Context, manifest: Path) -> None:
    """Put the files of an asset manifest where the templates look for them; what is there already stays."""
    assets = json.loads(manifest.read_text())
    if assets.get("dockerImages"):
        raise DeploymentFailed(f"{manifest.name} has container images; the local cloud publishes files only")
    s3 = context.client("s3")
    for asset in assets.get("files", {}).values():
        for destination in asset["destinations"].values():
            bucket = _resolved(context, destination["bucketName"])
            key = _resolved(context, destination["objectKey"])
            if _is_there(s3, bucket, key):
                continue
            source = manifest.parent / asset["source"]["path"]
            if asset["source"].get("packaging") == "zip":
                s3.put_object(Bucket=bucket, Key=key, Body=zipped(source))
            else:
                with source.open("rb") as body:
                    s3.put_object(Bucket=bucket, Key=key, Body=body)


def _resolved(context: Context, text: str) -> str:
    values = {"AWS::AccountId": context.account, "AWS::Region": context.region, "AWS::Partition": "aws"}
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def _is_there(s3: Any, bucket: str, key: str) -> bool:
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
            return False
        raise
    return True


def zipped(folder: Path) -> bytes:
    """Zip a folder as `cdk` does: paths below the folder, sorted, with fixed times."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), ZIP_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (path.stat().st_mode & 0xFFFF) << 16
            archive.writestr(entry, path.read_bytes())
    return packed.getvalue()


# -- stacks


def _deploy_stack(context: Context, stack: StackArtifact) -> dict[str, str]:
    cloudformation = context.client("cloudformation")
    template = stack.template.read_text()
    settings = {
        "StackName": stack.name,
        "TemplateURL": _template_url(context, stack, template),
        "Parameters": [{"ParameterKey": key, "ParameterValue": one} for key, one in stack.parameters.items()],
        "Capabilities": ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"],
        "Tags": [{"Key": key, "Value": one} for key, one in stack.tags.items()],
    }
    there = _describe(cloudformation, stack.name)
    if there is not None and there["StackStatus"] in ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS"):
        cloudformation.delete_stack(StackName=stack.name)  # it holds nothing, and cannot be updated
        there = None
    try:
        if there is None:
            cloudformation.create_stack(**settings)
        elif there["StackStatus"] == "UPDATE_FAILED" or not _is_unchanged(
            cloudformation, stack, template, there
        ):
            cloudformation.update_stack(**settings)
        else:
            LOG.info("stack %s: no changes", stack.name)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            message = error.response["Error"]["Message"]
            raise DeploymentFailed(f"stack {stack.name}: {message}") from error
    described = _describe(cloudformation, stack.name) or {}
    return {one["OutputKey"]: one["OutputValue"] for one in described.get("Outputs", [])}


def _template_url(context: Context, stack: StackArtifact, template: str) -> str:
    bucket, key = asset_bucket(context), f"templates/{stack.name}.json"
    context.client("s3").put_object(Bucket=bucket, Key=key, Body=template.encode())
    return f"{context.endpoint_url}/{bucket}/{key}"


def _describe(cloudformation: Any, name: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return None
        raise
    return found


def _is_unchanged(cloudformation: Any, stack: StackArtifact, template: str, there: Mapping[str, Any]) -> bool:
    current = cloudformation.get_template(StackName=stack.name)["TemplateBody"]
    if isinstance(current, str):
        current = json.loads(current)
    parameters = {one["ParameterKey"]: one["ParameterValue"] for one in there.get("Parameters", [])}
    given = all(parameters.get(key) == value for key, value in stack.parameters.items())
    return given and json.loads(json.dumps(current)) == json.loads(template)
