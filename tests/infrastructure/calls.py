"""What functions ask of AWS, read from the requests that arrive at the local cloud, and whether they may."""

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.infrastructure.templates import as_list

CREDENTIAL = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/")
ACCOUNT = "123456789012"


@dataclass(frozen=True)
class Call:
    """One request: who, which action, on what; `within` is a listed prefix or a partition of the table."""

    who: str
    action: str
    resource: str
    within: str = ""


def read_call(environ: dict[str, Any]) -> Call | None:
    """Read a request to the local cloud, leaving its body in place; None when it names no function."""
    found = CREDENTIAL.search(environ.get("HTTP_AUTHORIZATION", ""))
    if found is None or not found[1].startswith("trimtab-"):
        return None
    who, region, service = found.groups()
    size = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(size) if size else b""
    environ["wsgi.input"] = io.BytesIO(body)
    if service == "s3":
        return _s3(who, environ)
    operation = environ.get("HTTP_X_AMZ_TARGET", "").rpartition(".")[2]
    if not operation:
        arn = f"arn:aws:sagemaker:{region}:{ACCOUNT}:endpoint/{environ['PATH_INFO'].split('/')[2]}"
        return Call(who, "sagemaker:InvokeEndpoint", arn)
    return _json(who, service, operation, json.loads(body), f"{region}:{ACCOUNT}")


def _s3(who: str, environ: Mapping[str, Any]) -> Call:
    query = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True)
    bucket, _, key = unquote(environ["PATH_INFO"]).lstrip("/").partition("/")
    resource = f"arn:aws:s3:::{bucket}"
    if not key:
        action = "s3:ListBucketVersions" if "versions" in query else "s3:ListBucket"
        return Call(who, action, resource, query.get("prefix", [""])[0])
    if environ["REQUEST_METHOD"] == "PUT":
        return Call(who, "s3:PutObject", f"{resource}/{key}")
    return Call(who, "s3:GetObjectVersion" if "versionId" in query else "s3:GetObject", f"{resource}/{key}")


def _json(who: str, service: str, operation: str, body: Mapping[str, Any], place: str) -> Call:
    action = f"{service}:{operation}"
    if service == "dynamodb":
        key = (body.get("Key") or body.get("Item") or {}).get("pk")
        partition = key or body["ExpressionAttributeValues"][":pk"]
        return Call(who, action, f"arn:aws:dynamodb:{place}:table/{body['TableName']}", partition["S"])
    named = ("stateMachineArn", "executionArn", "ModelPackageName", "ModelPackageArn")
    arn = next((body[name] for name in named if name in body), None)
    if arn is None and "EndpointName" in body:
        arn = f"arn:aws:sagemaker:{place}:endpoint/{body['EndpointName']}"
    if arn is None:
        arn = f"arn:aws:sagemaker:{place}:model-package-group/{body['ModelPackageGroupName']}"
    return Call(who, action, arn)


def is_allowed(call: Call, statements: list[dict[str, Any]]) -> bool:
    """Tell whether one of the statements allows the call, as IAM would read it."""
    return any(
        call.action in as_list(one["Action"])
        and any(fnmatchcase(call.resource, _filled(resource)) for resource in as_list(one["Resource"]))
        and _is_met(one.get("Condition", {}), call.within)
        for one in statements
    )


def _filled(resource: str) -> str:
    return resource.replace("${AWS::Partition}", "aws").replace("${AWS::AccountId}", ACCOUNT)


def _is_met(conditions: Mapping[str, Mapping[str, list[str]]], within: str) -> bool:
    for operator, pairs in conditions.items():
        for patterns in pairs.values():
            if operator.endswith("IfExists") and not within:
                continue
            if not any(fnmatchcase(within, pattern) for pattern in patterns):
                return False
    return True
