"""Everything in the local cloud shows the moved clock; the process around it keeps the real one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import botocore.auth
from moto.core.utils import unix_time, utcnow

from localcloud import LocalCloud, moto_time


def test_services_show_the_moved_clock(cloud: LocalCloud) -> None:
    cloud.advance_to(datetime(2013, 5, 6, 7, 8, 9, tzinfo=UTC))
    now = cloud.now()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="times")
    s3.put_object(Bucket="times", Key="k", Body=b"")
    assert s3.head_object(Bucket="times", Key="k")["LastModified"] == now
    assert s3.list_objects_v2(Bucket="times")["Contents"][0]["LastModified"] == now
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="times")
    created = sagemaker.describe_model_package_group(ModelPackageGroupName="times")["CreationTime"]
    assert created == now
    dynamodb = cloud.client("dynamodb")
    table = dynamodb.create_table(
        TableName="times",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]
    assert table["CreationDateTime"] == now
    machines = cloud.client("stepfunctions")
    machine = machines.create_state_machine(
        name="times",
        definition='{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}',
        roleArn="arn:aws:iam::123456789012:role/machine",
    )
    assert machine["creationDate"] == now
    execution = machines.start_execution(stateMachineArn=machine["stateMachineArn"])
    assert execution["startDate"] == now
    cloud.settle(20)


def test_the_process_keeps_the_real_clock(cloud: LocalCloud) -> None:
    assert abs(datetime.now(UTC).timestamp() - time.time()) < 1
    assert datetime.now(UTC).year >= 2026
    assert vars(botocore.auth)["datetime"].datetime is datetime
    assert utcnow() == cloud.now().replace(tzinfo=None)
    assert unix_time() == cloud.clock.time()


def test_stand_ins_pass_for_the_real_classes() -> None:
    stand_in = moto_time.MovedDatetime
    assert type(stand_in(2013, 1, 1)) is datetime
    assert type(stand_in.now(UTC)) is datetime
    assert isinstance(datetime(2013, 1, 1, tzinfo=UTC), stand_in)
    assert not isinstance(5, stand_in)
    assert type(stand_in.fromtimestamp(0, UTC)) is datetime
    assert type(stand_in.strptime("2013", "%Y")) is datetime
    assert stand_in.now(UTC) - stand_in.now(UTC) <= timedelta(0)
