"""A CDK assembly made by hand: a stage with two stacks, one needing the other, with a function from a
folder.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ENVIRONMENT = "aws://123456789012/us-east-1"
ASSETS = "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    ],
}


def write_assembly(
    folder: Path, *, answer: str, timeout: int = 5, stray: dict[str, Any] | None = None
) -> Path:
    """Write an assembly whose function answers with a text; `stray` adds a resource to its stack."""
    stage = folder / "assembly-Dev"
    code = stage / f"asset.{answer}"
    code.mkdir(parents=True, exist_ok=True)
    (code / "app.py").write_text(f"def handler(event, context):\n    return {answer!r}\n")
    _write(
        folder / "manifest.json",
        {
            "version": "48.0.0",
            "artifacts": {
                "assembly-Dev": {
                    "type": "cdk:cloud-assembly",
                    "properties": {"directoryName": "assembly-Dev", "displayName": "Dev"},
                }
            },
        },
    )
    stacks = {"Small-Base": (base(), []), "Small-Calls": (calls(answer, timeout, stray), ["Small-Base"])}
    artifacts: dict[str, Any] = {}
    for name, (template, needs) in stacks.items():
        _write(stage / f"{name}.template.json", template)
        _write(stage / f"{name}.assets.json", asset_manifest(answer if name == "Small-Calls" else None))
        artifacts[f"{name}.assets"] = {
            "type": "cdk:asset-manifest",
            "properties": {
                "file": f"{name}.assets.json",
                "requiresBootstrapStackVersion": 6,
            },  # as any app that CDK synthesizes asks for
        }
        artifacts[name] = {
            "type": "aws:cloudformation:stack",
            "environment": ENVIRONMENT,
            "properties": {"templateFile": f"{name}.template.json", "stackName": name},
            "dependencies": [f"{name}.assets", *needs],
            "displayName": f"Dev/{name}",
        }
    # The stack that needs the other one comes first in the file.
    ordered = dict(sorted(artifacts.items(), reverse=True))
    _write(stage / "manifest.json", {"version": "48.0.0", "artifacts": ordered})
    return folder


def base() -> dict[str, Any]:
    return {
        "Resources": {"Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "small"}}},
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}, "Export": {"Name": "small-queue"}}},
        "Parameters": {
            "BootstrapVersion": {
                "Type": "AWS::SSM::Parameter::Value<String>",
                "Default": "/cdk-bootstrap/hnb659fds/version",
            }
        },
    }


def calls(answer: str, timeout: int, stray: dict[str, Any] | None) -> dict[str, Any]:
    function = {
        "FunctionName": "small",
        "Runtime": "python3.12",
        "Handler": "app.handler",
        "Timeout": timeout,
        "Role": {"Fn::GetAtt": ["Role", "Arn"]},
        "Code": {
            "S3Bucket": {"Fn::Sub": ASSETS},
            "S3Key": f"{answer}.zip",
        },
        "DeadLetterConfig": {"TargetArn": {"Fn::ImportValue": "small-queue"}},
    }
    return {
        "Resources": {
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function, "DependsOn": ["Role"]},
            "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
            **({"Stray": stray} if stray else {}),
        },
        "Outputs": {"Name": {"Value": {"Ref": "Function"}}},
    }


def asset_manifest(answer: str | None) -> dict[str, Any]:
    files = {}
    if answer is not None:
        files[answer] = {
            "displayName": "Code",
            "source": {"path": f"asset.{answer}", "packaging": "zip"},
            "destinations": {
                "here": {"bucketName": ASSETS, "objectKey": f"{answer}.zip", "region": "us-east-1"}
            },
        }
    return {"version": "48.0.0", "files": files, "dockerImages": {}}


def _write(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document, indent=1))
