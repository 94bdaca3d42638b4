"""EventBridge: rules match, inputs are transformed, every kind of target is reached, what fails is not
lost.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud
from localcloud.event_input import BadTemplate, fill, look_up

Queue = Callable[[str], tuple[str, str]]
Messages = Callable[[str], list[Any]]


def put_rule(cloud: LocalCloud, name: str, pattern: dict[str, Any], *targets: dict[str, Any]) -> None:
    events = cloud.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": f"T{n}", **target} for n, target in enumerate(targets)])


def put_event(cloud: LocalCloud, source: str, detail: dict[str, Any]) -> None:
    entry = {
        "Source": source,
        "DetailType": "Thing Happened",
        "Detail": json.dumps(detail),
        "Resources": ["arn:x"],
    }
    answer = cloud.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0
    cloud.settle(20)


def test_one_put_gives_one_event_in_the_golden_envelope(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    url, arn = make_queue("uploads")
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="landing")
    s3.put_bucket_versioning(Bucket="landing", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket="landing", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": ["landing"]}, "object": {"key": [{"prefix": "landing/flights/"}]}},
    }
    put_rule(cloud, "uploads", pattern, {"Arn": arn})
    first = s3.put_object(
        Bucket="landing", Key="landing/flights/data/a b+c.csv", Body=b"12345", Tagging="a=b"
    )
    s3.put_object(Bucket="landing", Key="landing/other/data/x.csv", Body=b"1")
    second = s3.put_object(Bucket="landing", Key="landing/flights/data/a b+c.csv", Body=b"123456")
    cloud.settle(20)
    found = sorted(messages(url), key=lambda event: event["detail"]["object"]["sequencer"])
    assert len(found) == 2
    event = found[0]
    assert set(event) == {
        *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail")
    }
    assert event["time"] == "2013-01-01T00:00:00Z"
    assert event["resources"] == ["arn:aws:s3:::landing"]
    described = event["detail"]["object"]
    assert described["key"] == "landing/flights/data/a b+c.csv"
    assert described["size"] == 5
    assert described["etag"] == first["ETag"].strip('"')
    assert [one["detail"]["object"]["version-id"] for one in found] == [
        first["VersionId"],
        second["VersionId"],
    ]
    assert event["detail"]["reason"] == "PutObject"


def test_a_multipart_upload_gives_one_event(cloud: LocalCloud, make_queue: Queue, messages: Messages) -> None:
    url, arn = make_queue("multipart")
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="parts")
    s3.put_bucket_notification_configuration(
        Bucket="parts", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    put_rule(cloud, "parts", {"source": ["aws.s3"], "detail": {"bucket": {"name": ["parts"]}}}, {"Arn": arn})
    upload = s3.create_multipart_upload(Bucket="parts", Key="big")["UploadId"]
    part = s3.upload_part(Bucket="parts", Key="big", UploadId=upload, PartNumber=1, Body=b"x" * 10)["ETag"]
    done = {"Parts": [{"ETag": part, "PartNumber": 1}]}
    s3.complete_multipart_upload(Bucket="parts", Key="big", UploadId=upload, MultipartUpload=done)
    cloud.settle(20)
    [event] = messages(url)
    assert event["detail"]["reason"] == "CompleteMultipartUpload"


def test_targets_receive_what_their_input_says(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    queues = [make_queue(f"input-{number}") for number in range(4)]
    transformer = {
        "InputPathsMap": {"key": "$.detail.key", "count": "$.detail.count", "none": "$.detail.nothing"},
        "InputTemplate": (
            '{"machine": "ingest", "time": <aws.events.event.ingestion-time>, "key": <key>,'
            ' "note": "<count> of <key>", "count": <count>, "none": <none>,'
            ' "rule": <aws.events.rule-name>, "event": <aws.events.event.json>}'
        ),
    }
    put_rule(
        cloud,
        "inputs",
        {"source": ["inputs"]},
        {"Arn": queues[0][1]},
        {"Arn": queues[1][1], "Input": '{"fixed": true}'},
        {"Arn": queues[2][1], "InputPath": "$.detail"},
        {"Arn": queues[3][1], "InputTransformer": transformer},
    )
    put_event(cloud, "inputs", {"key": 'a "quoted" name', "count": 3})
    [whole], [fixed], [part], [made] = (messages(url) for url, _ in queues)
    assert whole["detail-type"] == "Thing Happened"
    assert fixed == {"fixed": True}
    assert part == {"key": 'a "quoted" name', "count": 3}
    assert made["event"]["detail"] == part
    assert made["note"] == '3 of a "quoted" name'
    assert (made["count"], made["none"], made["rule"]) == (3, None, "inputs")
    assert made["time"] == "2013-01-01T00:00:00Z"


def test_functions_topics_and_buses_are_reached(
    cloud: LocalCloud, make_function: Callable[..., str], make_queue: Queue, messages: Messages
) -> None:
    url, queue = make_queue("relayed")
    topic = cloud.client("sns").create_topic(Name="relay")["TopicArn"]
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)
    bus = cloud.client("events").create_event_bus(Name="other")["EventBusArn"]
    relay = (
        "import boto3, json\n\ndef handler(event, context):\n"
        "    body = json.dumps({'relayed': event['id']})\n"
        f"    boto3.client('sqs').send_message(QueueUrl='{url}', MessageBody=body)\n"
    )
    function = make_function("relay", relay)
    put_rule(cloud, "fan-out", {"source": ["fan-out"]}, {"Arn": function}, {"Arn": topic}, {"Arn": bus})
    events = cloud.client("events")
    events.put_rule(Name="on-other", EventBusName="other", EventPattern='{"source": ["fan-out"]}')
    events.put_targets(Rule="on-other", EventBusName="other", Targets=[{"Id": "T", "Arn": queue}])
    put_event(cloud, "fan-out", {"n": 1})
    found = messages(url)
    assert len(found) == 3
    assert sum("relayed" in one for one in found) == 1
    assert sum(one.get("Type") == "Notification" for one in found) == 1
    assert sum(one.get("source") == "fan-out" for one in found) == 1


def test_a_disabled_rule_sends_nothing(cloud: LocalCloud, make_queue: Queue, messages: Messages) -> None:
    url, arn = make_queue("silent")
    put_rule(cloud, "silent", {"source": ["silent"]}, {"Arn": arn})
    cloud.client("events").disable_rule(Name="silent")
    put_event(cloud, "silent", {})
    assert messages(url) == []
    cloud.client("events").enable_rule(Name="silent")
    put_event(cloud, "silent", {})
    assert len(messages(url)) == 1


def test_what_cannot_be_delivered_lands_in_the_dead_letter_queue(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    url, arn = make_queue("rule-dead-letters")
    gone = f"arn:aws:lambda:{cloud.region}:{cloud.account}:function:there-is-none"
    put_rule(
        cloud, "undeliverable", {"source": ["undeliverable"]}, {"Arn": gone, "DeadLetterConfig": {"Arn": arn}}
    )
    put_event(cloud, "undeliverable", {"n": 1})
    received = cloud.client("sqs").receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"][0]
    assert json.loads(received["Body"])["detail"] == {"n": 1}
    attributes = {name: one["StringValue"] for name, one in received["MessageAttributes"].items()}
    assert attributes["TARGET_ARN"] == gone
    assert attributes["ERROR_CODE"] == "ResourceNotFoundException"


def test_duplicates_are_delivered_on_demand(cloud: LocalCloud, make_queue: Queue, messages: Messages) -> None:
    url, arn = make_queue("twice")
    put_rule(cloud, "twice", {"source": ["twice"]}, {"Arn": arn})
    cloud.deliver_twice = True
    try:
        put_event(cloud, "twice", {})
    finally:
        cloud.deliver_twice = False
    first, second = messages(url)
    assert first == second


def test_a_template_with_an_unknown_variable_is_refused(cloud: LocalCloud) -> None:
    cloud.client("events").put_rule(Name="unknown", EventPattern='{"source": ["x"]}')
    target = {"Id": "T", "Arn": "arn:aws:sqs:us-east-1:123456789012:q"}
    with pytest.raises(ClientError, match="placeholder which is not defined: nobody"):
        cloud.client("events").put_targets(
            Rule="unknown",
            Targets=[
                {**target, "InputTransformer": {"InputTemplate": '{"a": <nobody>}', "InputPathsMap": {}}}
            ],
        )


def test_a_services_own_event_carries_the_moved_time(
    cloud: LocalCloud, make_queue: Queue, messages: Messages
) -> None:
    url, arn = make_queue("service-events")
    put_rule(cloud, "service-events", {"source": ["aws.sagemaker"]}, {"Arn": arn})
    cloud.advance_to(cloud.now() + timedelta(days=3, seconds=1))
    cloud.context.emit_event("aws.sagemaker", "SageMaker Model Package State Change", {"a": 1}, ["arn:m"])
    cloud.settle(20)
    [event] = messages(url)
    assert event["time"] == cloud.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert event["resources"] == ["arn:m"]


@pytest.mark.parametrize(
    ("path", "found"),
    [("$", {"a": [{"b-c": 1}]}), ("$.a[0]", {"b-c": 1}), ("$.a[0].b-c", 1), ("$['a'][0]['b-c']", 1)],
)
def test_paths_find_names_and_indices(path: str, found: Any) -> None:
    assert look_up({"a": [{"b-c": 1}]}, path) == found


def test_a_template_that_gives_no_json_is_refused() -> None:
    with pytest.raises(BadTemplate, match="gives no JSON"):
        fill('{"a": <x> <x>}', {"x": 1})
    assert fill('"plain <x>"', {"x": {"n": 1}}) == '"plain {\\"n\\": 1}"'
