"""Buckets, tables and keys."""

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
    tag_map,
)
from localcloud.context import Context

# -- S3


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
    filters = [{"Tag": tag} for tag in rule.get("TagFilters") or []]
    if not filters:
        translated: dict[str, Any] = {"Filter": {"Prefix": rule.get("Prefix", "")}}
    else:
        prefix = {"Prefix": rule["Prefix"]} if "Prefix" in rule else {}
        both = {**prefix, "Tags": [one["Tag"] for one in filters]}
        translated = {"Filter": {"And": both} if prefix or len(filters) > 1 else filters[0]}
    translated["Status"] = rule["Status"]
    if "Id" in rule:
        translated["ID"] = rule["Id"]
    expiration = {
        api: rule[name]
        for name, api in (
            ("ExpirationInDays", "Days"),
            ("ExpirationDate", "Date"),
            ("ExpiredObjectDeleteMarker", "ExpiredObjectDeleteMarker"),
        )
        if name in rule
    }
    if expiration:
        translated["Expiration"] = expiration
    if "NoncurrentVersionExpirationInDays" in rule:
        translated["NoncurrentVersionExpiration"] = {
            "NoncurrentDays": rule["NoncurrentVersionExpirationInDays"]
        }
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


# -- DynamoDB


def _table_settings(properties: Properties) -> dict[str, Any]:
    """Read a Table, or a GlobalTable with its one local replica, as one set of properties."""
    replicas = properties.get("Replicas") or [{}]
    if len(replicas) > 1:
        raise CannotDeploy("a global table with more than one region; the local cloud has one region")
    return {**properties, **{key: value for key, value in replicas[0].items() if key != "Region"}}


def _create_table(context: Context, name: str, properties: Properties) -> Made:
    settings = _table_settings(properties)
    stream = settings.get("StreamSpecification")
    encryption = settings.get("SSESpecification")
    call(
        context,
        "dynamodb",
        "CreateTable",
        TableName=name,
        BillingMode=settings.get("BillingMode", "PROVISIONED"),
        StreamSpecification={**stream, "StreamEnabled": True} if stream else None,
        SSESpecification=_encryption(encryption),
        **chosen(
            settings,
            *("KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes", "LocalSecondaryIndexes"),
            *("ProvisionedThroughput", "DeletionProtectionEnabled", "TableClass", "Tags"),
        ),
    )
    return _configure_table(context, name, {}, settings)


def _encryption(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {"Enabled": value["SSEEnabled"], **chosen(value, "SSEType", "KMSMasterKeyId")}


def _configure_table(context: Context, name: str, old: Properties, new: Properties) -> Made:
    expiry, recovery = "TimeToLiveSpecification", "PointInTimeRecoverySpecification"
    if new.get(expiry) != old.get(expiry):
        wanted = new.get(expiry) or {**old[expiry], "Enabled": False}
        call(context, "dynamodb", "UpdateTimeToLive", TableName=name, TimeToLiveSpecification=wanted)
    if new.get(recovery) != old.get(recovery):
        backups = new.get(recovery) or {"PointInTimeRecoveryEnabled": False}
        call(
            context,
            "dynamodb",
            "UpdateContinuousBackups",
            TableName=name,
            PointInTimeRecoverySpecification=backups,
        )
    described = call(context, "dynamodb", "DescribeTable", TableName=name)["Table"]
    attributes = {"Arn": described["TableArn"], "TableId": described.get("TableId", name)}
    if "LatestStreamArn" in described:
        attributes["StreamArn"] = described["LatestStreamArn"]
    return Made(physical_id=name, name=name, attributes=attributes)


def _update_table(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    before, after = _table_settings(old), _table_settings(new)
    changed = {
        key: after.get(key)
        for key in (
            "BillingMode",
            "ProvisionedThroughput",
            "DeletionProtectionEnabled",
            "StreamSpecification",
        )
        if before.get(key) != after.get(key)
    }
    if "StreamSpecification" in changed:
        stream = changed["StreamSpecification"]
        changed["StreamSpecification"] = (
            {**stream, "StreamEnabled": True} if stream else {"StreamEnabled": False}
        )
    if "DeletionProtectionEnabled" in changed:
        changed["DeletionProtectionEnabled"] = bool(changed["DeletionProtectionEnabled"])
    if before.get("GlobalSecondaryIndexes") != after.get("GlobalSecondaryIndexes"):
        changed["GlobalSecondaryIndexUpdates"] = _index_updates(before, after)
        changed["AttributeDefinitions"] = after["AttributeDefinitions"]
    if changed:
        call(context, "dynamodb", "UpdateTable", TableName=made.name, **changed)
    if before.get("Tags") != after.get("Tags"):
        call(
            context,
            "dynamodb",
            "TagResource",
            ResourceArn=made.attributes["Arn"],
            Tags=after.get("Tags") or [],
        )
    return _configure_table(context, made.name, before, after)


def _index_updates(old: Properties, new: Properties) -> list[dict[str, Any]]:
    before = {index["IndexName"]: index for index in old.get("GlobalSecondaryIndexes") or []}
    after = {index["IndexName"]: index for index in new.get("GlobalSecondaryIndexes") or []}
    gone = [{"Delete": {"IndexName": name}} for name in before if name not in after]
    return gone + [{"Create": index} for name, index in after.items() if name not in before]


def _delete_table(context: Context, made: Made, properties: Properties) -> None:
    call(context, "dynamodb", "DeleteTable", TableName=made.name)


# -- KMS


def _create_key(context: Context, name: str, properties: Properties) -> Made:
    tags = [{"TagKey": key, "TagValue": value} for key, value in tag_map(properties).items()]
    key = call(
        context,
        "kms",
        "CreateKey",
        Policy=document(properties.get("KeyPolicy")),
        Tags=tags or None,
        **chosen(properties, "Description", "KeyUsage", "KeySpec", "MultiRegion"),
    )["KeyMetadata"]
    made = Made(physical_id=key["KeyId"], name=name, attributes={"Arn": key["Arn"], "KeyId": key["KeyId"]})
    _rotate(context, made, properties)
    return made


def _rotate(context: Context, made: Made, properties: Properties) -> None:
    wanted = str(properties.get("EnableKeyRotation", False)).lower() == "true"
    call(context, "kms", "EnableKeyRotation" if wanted else "DisableKeyRotation", KeyId=made.physical_id)


def _update_key(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    key = made.physical_id
    if new.get("KeyPolicy") != old.get("KeyPolicy"):
        policy = document(new.get("KeyPolicy"))
        call(context, "kms", "PutKeyPolicy", KeyId=key, PolicyName="default", Policy=policy)
    call(context, "kms", "UpdateKeyDescription", KeyId=key, Description=new.get("Description", ""))
    _rotate(context, made, new)
    return made


def _delete_key(context: Context, made: Made, properties: Properties) -> None:
    days = properties.get("PendingWindowInDays", 30)
    call(context, "kms", "ScheduleKeyDeletion", KeyId=made.physical_id, PendingWindowInDays=days)


def _create_alias(context: Context, name: str, properties: Properties) -> Made:
    alias, key = properties["AliasName"], properties["TargetKeyId"]
    call(context, "kms", "CreateAlias", AliasName=alias, TargetKeyId=key)
    return Made(physical_id=alias, name=alias)


def _update_alias(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    call(context, "kms", "UpdateAlias", AliasName=made.physical_id, TargetKeyId=new["TargetKeyId"])
    return made


def _delete_alias(context: Context, made: Made, properties: Properties) -> None:
    call(context, "kms", "DeleteAlias", AliasName=made.physical_id)


TABLE = Kind(
    type="AWS::DynamoDB::Table",
    name_property="TableName",
    create=_create_table,
    update=_update_table,
    delete=_delete_table,
    replaced_by=("KeySchema", "LocalSecondaryIndexes"),
    attributes=("Arn", "StreamArn", "TableId"),
    longest_name=255,
)

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
    TABLE,
    Kind(**{**vars(TABLE), "type": "AWS::DynamoDB::GlobalTable"}),
    Kind(
        type="AWS::KMS::Key",
        create=_create_key,
        update=_update_key,
        delete=_delete_key,
        replaced_by=("KeyUsage", "KeySpec", "MultiRegion"),
        attributes=("Arn", "KeyId"),
    ),
    Kind(
        type="AWS::KMS::Alias",
        name_property="AliasName",
        create=_create_alias,
        update=_update_alias,
        delete=_delete_alias,
        longest_name=256,
    ),
)
