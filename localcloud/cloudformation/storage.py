"""Tables and keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localcloud.cloudformation.kinds import (
    CannotDeploy,
    Kind,
    Made,
    Properties,
    call,
    chosen,
    document,
    register,
    tag_map,
)
from localcloud.context import Context

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
