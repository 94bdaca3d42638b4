"""Topics, queues, rules and schedules."""

from __future__ import annotations

from typing import Any

from localcloud.cloudformation.kinds import (
    Kind,
    Made,
    Properties,
    arn,
    call,
    chosen,
    document,
    ignoring,
    register,
    tag_map,
    without,
)
from localcloud.context import Context

QUEUE_ATTRIBUTES = (
    "VisibilityTimeout",
    "MessageRetentionPeriod",
    "MaximumMessageSize",
    "DelaySeconds",
    "ReceiveMessageWaitTimeSeconds",
    "KmsMasterKeyId",
    "KmsDataKeyReusePeriodSeconds",
    "SqsManagedSseEnabled",
    "FifoQueue",
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoThroughputLimit",
)

# -- SNS


def _put_topic(context: Context, name: str, properties: Properties) -> Made:
    tags = properties.get("Tags")
    topic = call(context, "sns", "CreateTopic", Name=name, Tags=tags)["TopicArn"]
    for attribute in ("DisplayName", "KmsMasterKeyId"):
        call(
            context,
            "sns",
            "SetTopicAttributes",
            TopicArn=topic,
            AttributeName=attribute,
            AttributeValue=properties.get(attribute, ""),
        )
    there = {one["Endpoint"] for one in _subscriptions(context, topic)}
    for one in properties.get("Subscription") or []:
        if one["Endpoint"] not in there:
            call(context, "sns", "Subscribe", TopicArn=topic, **one)
    return Made(physical_id=topic, name=name, attributes={"TopicArn": topic, "TopicName": name})


def _subscriptions(context: Context, topic: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = call(context, "sns", "ListSubscriptionsByTopic", TopicArn=topic)[
        "Subscriptions"
    ]
    return found


def _delete_topic(context: Context, made: Made, properties: Properties) -> None:
    call(context, "sns", "DeleteTopic", TopicArn=made.physical_id)


def _put_topic_policy(context: Context, name: str, properties: Properties) -> Made:
    policy = document(properties["PolicyDocument"])
    for topic in properties["Topics"]:
        call(
            context,
            "sns",
            "SetTopicAttributes",
            TopicArn=topic,
            AttributeName="Policy",
            AttributeValue=policy,
        )
    return Made(physical_id=name, name=name)


def _subscribe(context: Context, name: str, properties: Properties) -> Made:
    attributes = {
        key: document(value) if isinstance(value, dict) else value
        for key, value in chosen(
            properties,
            *("FilterPolicy", "FilterPolicyScope", "RawMessageDelivery", "RedrivePolicy", "DeliveryPolicy"),
        ).items()
    }
    subscription = call(
        context,
        "sns",
        "Subscribe",
        TopicArn=properties["TopicArn"],
        Protocol=properties["Protocol"],
        Endpoint=properties["Endpoint"],
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    return Made(physical_id=subscription, name=name, attributes={"Arn": subscription})


def _unsubscribe(context: Context, made: Made, properties: Properties) -> None:
    call(context, "sns", "Unsubscribe", SubscriptionArn=made.physical_id)


# -- SQS


def _queue_attributes(properties: Properties) -> dict[str, Any]:
    attributes = chosen(properties, *QUEUE_ATTRIBUTES)
    for name in ("RedrivePolicy", "RedriveAllowPolicy"):
        if name in properties:
            attributes[name] = document(properties[name])
    return attributes


def _create_queue(context: Context, name: str, properties: Properties) -> Made:
    attributes = _queue_attributes(properties)
    url = call(
        context, "sqs", "CreateQueue", QueueName=name, Attributes=attributes, tags=tag_map(properties)
    )["QueueUrl"]
    made = {"Arn": arn(context, "sqs", name), "QueueName": name, "QueueUrl": url}
    return Made(physical_id=url, name=name, attributes=made)


def _update_queue(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    defaults = {
        "VisibilityTimeout": 30,
        "MessageRetentionPeriod": 345_600,
        "DelaySeconds": 0,
        "RedrivePolicy": "",
    }
    attributes = _queue_attributes(new)
    for name in _queue_attributes(old):
        if name not in attributes and name in defaults:
            attributes[name] = defaults[name]
    changeable = without(attributes, "FifoQueue")
    call(context, "sqs", "SetQueueAttributes", QueueUrl=made.physical_id, Attributes=changeable)
    return made


def _delete_queue(context: Context, made: Made, properties: Properties) -> None:
    call(context, "sqs", "DeleteQueue", QueueUrl=made.physical_id)


def _put_queue_policy(context: Context, name: str, properties: Properties) -> Made:
    policy = document(properties["PolicyDocument"])
    for queue in properties["Queues"]:
        call(context, "sqs", "SetQueueAttributes", QueueUrl=queue, Attributes={"Policy": policy})
    return Made(physical_id=name, name=name)


# -- EventBridge


def _put_rule(context: Context, name: str, properties: Properties) -> Made:
    bus = properties.get("EventBusName")
    rule = call(
        context,
        "events",
        "PutRule",
        Name=name,
        EventPattern=document(properties.get("EventPattern")),
        **chosen(properties, "ScheduleExpression", "State", "Description", "RoleArn", "EventBusName", "Tags"),
    )["RuleArn"]
    _put_targets(context, name, bus, properties.get("Targets") or [])
    return Made(physical_id=name, name=name, attributes={"Arn": rule})


def _put_targets(context: Context, rule: str, bus: str | None, targets: list[dict[str, Any]]) -> None:
    if not targets:
        return
    answer = call(context, "events", "PutTargets", Rule=rule, EventBusName=bus, Targets=targets)
    if answer.get("FailedEntryCount"):
        raise ValueError(f"EventBridge refused targets: {answer['FailedEntries']}")


def _update_rule(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    kept = {target["Id"] for target in new.get("Targets") or []}
    gone = [target["Id"] for target in old.get("Targets") or [] if target["Id"] not in kept]
    if gone:
        call(
            context, "events", "RemoveTargets", Rule=made.name, EventBusName=old.get("EventBusName"), Ids=gone
        )
    return _put_rule(context, made.name, new)


def _delete_rule(context: Context, made: Made, properties: Properties) -> None:
    bus = properties.get("EventBusName")
    ids = [target["Id"] for target in properties.get("Targets") or []]
    if ids:
        call(context, "events", "RemoveTargets", Rule=made.name, EventBusName=bus, Ids=ids)
    call(context, "events", "DeleteRule", Name=made.name, EventBusName=bus)


# -- Scheduler


def _put_schedule_group(context: Context, name: str, properties: Properties) -> Made:
    there = ignoring("ConflictException")
    there(lambda: call(context, "scheduler", "CreateScheduleGroup", Name=name, Tags=properties.get("Tags")))
    return Made(
        physical_id=name, name=name, attributes={"Arn": arn(context, "scheduler", f"schedule-group/{name}")}
    )


def _delete_schedule_group(context: Context, made: Made, properties: Properties) -> None:
    call(context, "scheduler", "DeleteScheduleGroup", Name=made.name)


def _create_schedule(context: Context, name: str, properties: Properties) -> Made:
    settings = without(properties, "Name")
    made = call(context, "scheduler", "CreateSchedule", Name=name, **settings)["ScheduleArn"]
    return Made(physical_id=name, name=name, attributes={"Arn": made})


def _update_schedule(context: Context, made: Made, old: Properties, new: Properties) -> Made:
    settings = {"State": "ENABLED", **without(new, "Name")}
    call(context, "scheduler", "UpdateSchedule", Name=made.name, **settings)
    return made


def _delete_schedule(context: Context, made: Made, properties: Properties) -> None:
    # Deleting the group first takes its schedules along.
    gone = ignoring("ResourceNotFoundException")
    group = properties.get("GroupName")
    gone(lambda: call(context, "scheduler", "DeleteSchedule", Name=made.name, GroupName=group))


register(
    Kind(
        type="AWS::SNS::Topic",
        name_property="TopicName",
        create=_put_topic,
        delete=_delete_topic,
        replaced_by=("FifoTopic",),
        attributes=("TopicArn", "TopicName"),
        longest_name=256,
    ),
    Kind(type="AWS::SNS::TopicPolicy", create=_put_topic_policy),
    Kind(
        type="AWS::SNS::Subscription",
        create=_subscribe,
        delete=_unsubscribe,
        replaced_by=("TopicArn", "Protocol", "Endpoint", "FilterPolicy", "RawMessageDelivery"),
        attributes=("Arn",),
    ),
    Kind(
        type="AWS::SQS::Queue",
        name_property="QueueName",
        create=_create_queue,
        update=_update_queue,
        delete=_delete_queue,
        replaced_by=("FifoQueue",),
        attributes=("Arn", "QueueName", "QueueUrl"),
        longest_name=80,
    ),
    Kind(type="AWS::SQS::QueuePolicy", create=_put_queue_policy),
    Kind(
        type="AWS::Events::Rule",
        name_property="Name",
        create=_put_rule,
        update=_update_rule,
        delete=_delete_rule,
        replaced_by=("EventBusName",),
        attributes=("Arn",),
    ),
    Kind(
        type="AWS::Scheduler::ScheduleGroup",
        name_property="Name",
        create=_put_schedule_group,
        delete=_delete_schedule_group,
        attributes=("Arn",),
    ),
    Kind(
        type="AWS::Scheduler::Schedule",
        name_property="Name",
        create=_create_schedule,
        update=_update_schedule,
        delete=_delete_schedule,
        replaced_by=("GroupName",),
        attributes=("Arn",),
    ),
)
