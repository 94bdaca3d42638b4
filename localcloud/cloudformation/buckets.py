"""Buckets: the properties that moto's CloudFormation drops reach S3 through its API."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from moto.s3.models import s3_backends

from localcloud.cloudformation.kinds import (
    CannotDeploy,
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

EXPIRATIONS = {
    "ExpirationInDays": "Days",
    "ExpirationDate": "Date",
    "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}


def _create_bucket(context: Context, name: str, properties: Properties) -> Made:
    call(
        context,
        "s3",
        "CreateBucket",
        Bucket=name,
        ObjectLockEnabledForBucket=properties.get("ObjectLockEnabled"),
    )
    return _configure_bucket(context, Made(physical_id=name, name=name), {}, properties)


def _configure_bucket(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    for name, configure in BUCKET_PROPERTIES.items():
        if new.get(name) != old.get(name):
            configure(context, made.name, new.get(name))
    attributes = {
        "Arn": f"arn:aws:s3:::{made.name}",
        "DomainName": f"{made.name}.s3.amazonaws.com",
        "RegionalDomainName": f"{made.name}.s3.{context.region}.amazonaws.com",
        "DualStackDomainName": f"{made.name}.s3.dualstack.{context.region}.amazonaws.com",
    }
    return Made(physical_id=made.name, name=made.name, attributes=attributes)


def _version(context: Context, bucket: str, value: Any) -> None:
    status = value or {"Status": "Suspended"}
    call(context, "s3", "PutBucketVersioning", Bucket=bucket, VersioningConfiguration=status)


def _encrypt(context: Context, bucket: str, value: Any) -> None:
    if value is None:
        call(context, "s3", "DeleteBucketEncryption", Bucket=bucket)
        return
    rules = []
    for rule in value["ServerSideEncryptionConfiguration"]:
        default = rule.get("ServerSideEncryptionByDefault")
        rules.append({"ApplyServerSideEncryptionByDefault": default, **chosen(rule, "BucketKeyEnabled")})
    configuration = {"Rules": rules}
    call(context, "s3", "PutBucketEncryption", Bucket=bucket, ServerSideEncryptionConfiguration=configuration)


def _block_public_access(context: Context, bucket: str, value: Any) -> None:
    if value is None:
        call(context, "s3", "DeletePublicAccessBlock", Bucket=bucket)
    else:
        call(context, "s3", "PutPublicAccessBlock", Bucket=bucket, PublicAccessBlockConfiguration=value)


def _notify(context: Context, bucket: str, value: Any) -> None:
    value = value or {}
    configuration: dict[str, Any] = {}
    events = value.get("EventBridgeConfiguration")
    if events is not None and str(events.get("EventBridgeEnabled", True)).lower() == "true":
        configuration["EventBridgeConfiguration"] = {}
    for kind, target in (("Lambda", "Function"), ("Queue", "Queue"), ("Topic", "Topic")):
        entries = value.get(f"{kind}Configurations") or []
        key = "LambdaFunctionConfigurations" if kind == "Lambda" else f"{kind}Configurations"
        arn_key = "LambdaFunctionArn" if kind == "Lambda" else f"{kind}Arn"
        if entries:
            configuration[key] = [_notification(entry, target, arn_key) for entry in entries]
    call(
        context,
        "s3",
        "PutBucketNotificationConfiguration",
        Bucket=bucket,
        NotificationConfiguration=configuration,
        SkipDestinationValidation=True,
    )


def _notification(entry: Mapping[str, Any], target: str, arn_key: str) -> dict[str, Any]:
    translated: dict[str, Any] = {arn_key: entry[target], "Events": [entry["Event"]]}
    if "Filter" in entry:
        rules = entry["Filter"]["S3Key"]["Rules"]
        translated["Filter"] = {"Key": {"FilterRules": rules}}
    return translated


def _expire(context: Context, bucket: str, value: Any) -> None:
    if value is None:
        call(context, "s3", "DeleteBucketLifecycle", Bucket=bucket)
        return
    rules = [_lifecycle_rule(rule) for rule in value["Rules"]]
    configuration = {"Rules": rules}
    call(
        context, "s3", "PutBucketLifecycleConfiguration", Bucket=bucket, LifecycleConfiguration=configuration
    )


def _lifecycle_rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    translated = {"Status": rule["Status"], "Filter": _lifecycle_filter(rule)}
    if "Id" in rule:
        translated["ID"] = rule["Id"]
    if expiration := {api: rule[name] for name, api in EXPIRATIONS.items() if name in rule}:
        translated["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in rule:
        days = rule["NoncurrentVersionExpirationInDays"]
        translated["NoncurrentVersionExpiration"] = {"NoncurrentDays": days}
    translated.update(chosen(rule, "NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload"))
    if "Transitions" in rule:
        translated["Transitions"] = [
            {"StorageClass": one["StorageClass"], "Days": one["TransitionInDays"]}
            for one in rule["Transitions"]
        ]
    if "NoncurrentVersionTransitions" in rule:
        translated["NoncurrentVersionTransitions"] = [
            {
                "StorageClass": one["StorageClass"],
                "NoncurrentDays": one["TransitionInDays"],
                **chosen(one, "NewerNoncurrentVersions"),
            }
            for one in rule["NoncurrentVersionTransitions"]
        ]
    return translated


def _lifecycle_filter(rule: Mapping[str, Any]) -> dict[str, Any]:
    tags = rule.get("TagFilters") or []
    if not tags:
        return {"Prefix": rule.get("Prefix", "")}
    if len(tags) == 1 and "Prefix" not in rule:
        return {"Tag": tags[0]}
    return {"And": {**chosen(rule, "Prefix"), "Tags": tags}}


def _keep_logging(context: Context, bucket: str, value: Any) -> None:
    # Through the API moto would judge the target's policy, which comes later in a stack.
    logging = {}
    if value is not None:
        logging = {
            "TargetBucket": value.get("DestinationBucketName", bucket),
            "TargetPrefix": value.get("LogFilePrefix", ""),
        }
    s3_backends[context.account]["aws"].get_bucket(bucket).logging = logging


def _own(context: Context, bucket: str, value: Any) -> None:
    if value is not None:
        call(context, "s3", "PutBucketOwnershipControls", Bucket=bucket, OwnershipControls=value)


def _tag_bucket(context: Context, bucket: str, value: Any) -> None:
    call(context, "s3", "PutBucketTagging", Bucket=bucket, Tagging={"TagSet": value or []})


def _refuse(name: str) -> Callable[[Context, str, Any], None]:
    def refuse(context: Context, bucket: str, value: Any) -> None:
        raise CannotDeploy(f"the local cloud does not have the bucket property {name}")

    return refuse


BUCKET_PROPERTIES: dict[str, Callable[[Context, str, Any], None]] = {
    "VersioningConfiguration": _version,
    "BucketEncryption": _encrypt,
    "PublicAccessBlockConfiguration": _block_public_access,
    "NotificationConfiguration": _notify,
    "LifecycleConfiguration": _expire,
    "LoggingConfiguration": _keep_logging,
    "OwnershipControls": _own,
    "Tags": _tag_bucket,
    **{
        name: _refuse(name)
        for name in ("ReplicationConfiguration", "WebsiteConfiguration", "ObjectLockConfiguration")
    },
}


def _delete_bucket(context: Context, made: Made, properties: Properties) -> None:
    call(context, "s3", "DeleteBucket", Bucket=made.name)


def _put_bucket_policy(context: Context, name: str, properties: Properties) -> Made:
    policy = document(properties["PolicyDocument"])
    call(context, "s3", "PutBucketPolicy", Bucket=properties["Bucket"], Policy=policy)
    return Made(physical_id=properties["Bucket"], name=name)


def _delete_bucket_policy(context: Context, made: Made, properties: Properties) -> None:
    gone = ignoring("NoSuchBucket")
    gone(lambda: call(context, "s3", "DeleteBucketPolicy", Bucket=properties["Bucket"]))


def _keep_bucket_name(context: Context, name: str, properties: Properties) -> Made:
    return Made(physical_id=name, name=name)


def _empty_bucket(context: Context, made: Made, properties: Properties) -> None:
    """Do what CDK's handler for `auto_delete_objects` does when a stack goes away."""
    pages = (
        context.client("s3").get_paginator("list_object_versions").paginate(Bucket=properties["BucketName"])
    )
    for page in pages:
        for one in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
            version = {"Key": one["Key"], "VersionId": one["VersionId"]}
            call(context, "s3", "DeleteObject", Bucket=properties["BucketName"], **version)


register(
    Kind(
        type="AWS::S3::Bucket",
        name_property="BucketName",
        create=_create_bucket,
        update=_configure_bucket,
        delete=_delete_bucket,
        replaced_by=("ObjectLockEnabled",),
        attributes=("Arn", "DomainName", "RegionalDomainName", "DualStackDomainName"),
        longest_name=63,
    ),
    Kind(
        type="AWS::S3::BucketPolicy",
        create=_put_bucket_policy,
        delete=_delete_bucket_policy,
        replaced_by=("Bucket",),
    ),
    Kind(type="Custom::S3AutoDeleteObjects", create=_keep_bucket_name, delete=_empty_bucket),
)
