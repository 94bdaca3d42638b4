"""What all projects of an environment share and what outlives them: key, buckets, table, topic, queue."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs
from aws_cdk import aws_ssm as ssm
from constructs import Construct

from stacks.constructs.buckets import Buckets
from stacks.target import Place
from trimtab import names


class PlatformStack(cdk.Stack):
    """The longest-lived stack; it knows no project."""

    def __init__(self, scope: Construct, id: str, *, place: Place) -> None:
        """Create the key first, then everything that it encrypts."""
        environment = place.environment
        super().__init__(
            scope,
            id,
            description=f"Trimtab: platform of {environment.name}",
            tags={"trimtab:environment": environment.name},
            termination_protection=environment.retain,
            **place.stack_settings(),
        )
        self._place = place
        # A failed first deployment takes its empty beginnings along; after that nothing is ever deleted.
        keep = cdk.RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE
        self._removal = keep if environment.retain else cdk.RemovalPolicy.DESTROY
        self._key = self._add_key()
        Buckets(self, "Buckets", place=place, key=self._key, removal=self._removal)
        self._add_table()
        self._add_dead_letters()
        self._add_topic()

    def _add_key(self) -> kms.Key:
        name = self._place.environment.name
        key = kms.Key(
            self,
            "Key",
            alias=names.key_alias(name),
            description=f"Encrypts what Trimtab keeps in {name}",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )
        own = {"StringEquals": {"aws:SourceAccount": self._place.account}}
        _let(key, "cloudwatch", own)
        # No condition: which rules may use the queue, the queue's own policy says.
        _let(key, "events", None)
        ssm.CfnParameter(
            self,
            "KeyArn",
            name=self._place.key_parameter,
            type="String",
            value=key.key_arn,
            description="The key's address, for the stacks of projects",
        )
        return key

    def _add_table(self) -> None:
        dynamodb.Table(
            self,
            "Table",
            table_name=names.table(self._place.environment.name),
            partition_key=dynamodb.Attribute(name="pk", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="sk", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED,
            encryption_key=self._key,
            deletion_protection=self._place.environment.retain,
            removal_policy=self._removal,
        )

    def _add_dead_letters(self) -> None:
        name = self._place.environment.name
        queue = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=names.dead_letter_queue(name),
            retention_period=cdk.Duration.days(14),
            encryption=sqs.QueueEncryption.KMS,
            encryption_master_key=self._key,
            enforce_ssl=True,
        )
        rules = self._place.arn("events", f"rule/trimtab-{name}-*")
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AllowEventsThatCouldNotBeDelivered",
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": rules}},
            )
        )

    def _add_topic(self) -> None:
        environment = self._place.environment
        topic = sns.Topic(
            self,
            "Alerts",
            topic_name=names.topic(environment.name),
            display_name=f"Trimtab {environment.name}",
            master_key=self._key,
            enforce_ssl=True,
        )
        alarms = self._place.arn("cloudwatch", f"alarm:trimtab-{environment.name}-*")
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                sid="AllowAlarms",
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=["sns:Publish"],
                resources=[topic.topic_arn],
                conditions={"ArnLike": {"aws:SourceArn": alarms}},
            )
        )
        if environment.alert_email:
            sns.CfnSubscription(
                self, "Email", topic_arn=topic.topic_arn, protocol="email", endpoint=environment.alert_email
            )


def _let(key: kms.Key, service: str, conditions: dict[str, dict[str, str]] | None) -> None:
    """Let a service encrypt the messages that it sends to the topic or the queue."""
    key.add_to_resource_policy(
        iam.PolicyStatement(
            sid=f"AllowMessagesOf{service.capitalize()}",
            principals=[iam.ServicePrincipal(f"{service}.amazonaws.com")],
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resources=["*"],
            conditions=conditions,
        )
    )
