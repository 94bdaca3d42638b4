"""Where stacks are deployed: names and ARNs that they share by convention, not by exports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aws_cdk import Aws, DefaultStackSynthesizer, Environment

from trimtab import names
from trimtab.project import Environment as Settings
from trimtab.project import Project


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """An environment in its account and region; the account is a pseudo parameter unless it is given."""

    environment: Settings

    @property
    def account(self) -> str:
        """Return the account's id, or the token that stands for it."""
        return self.environment.account or Aws.ACCOUNT_ID

    def stack_settings(self) -> dict[str, Any]:
        """Return what every stack of this place is created with.

        The synthesizer is a new one each time: a shared one would list the assets of all stacks in each. The
        command line checks the version of the bootstrap stack itself, so templates need no rule for it.
        """
        return {
            "env": Environment(account=self.environment.account, region=self.environment.region),
            "synthesizer": DefaultStackSynthesizer(generate_bootstrap_version_rule=False),
        }

    @property
    def data_bucket(self) -> str:
        """Name the data bucket."""
        return names.data_bucket(self.environment.name, self.account, self.environment.region)

    @property
    def model_bucket(self) -> str:
        """Name the model bucket."""
        return names.model_bucket(self.environment.name, self.account, self.environment.region)

    @property
    def log_bucket(self) -> str:
        """Name the bucket of access logs."""
        return names.log_bucket(self.environment.name, self.account, self.environment.region)

    @property
    def table_name(self) -> str:
        """Name the table."""
        return names.table(self.environment.name)

    @property
    def table_arn(self) -> str:
        """Address the table."""
        return self.arn("dynamodb", f"table/{self.table_name}")

    @property
    def topic_arn(self) -> str:
        """Address the topic of alerts."""
        return self.arn("sns", names.topic(self.environment.name))

    @property
    def dead_letters_arn(self) -> str:
        """Address the dead-letter queue."""
        return self.arn("sqs", names.dead_letter_queue(self.environment.name))

    @property
    def key_parameter(self) -> str:
        """Name the parameter that holds the ARN of the encryption key."""
        return f"/trimtab/{self.environment.name}/key-arn"

    @property
    def bus_arn(self) -> str:
        """Address the account's default event bus, where AWS services report."""
        return self.arn("events", "event-bus/default")

    def arn(self, service: str, resource: str) -> str:
        """Address a resource of this account and region."""
        return f"arn:{Aws.PARTITION}:{service}:{self.environment.region}:{self.account}:{resource}"

    def bucket_arn(self, bucket: str, key: str | None = None) -> str:
        """Address a bucket, or the keys in it that match `key`."""
        return f"arn:{Aws.PARTITION}:s3:::{bucket}" + (f"/{key}" if key else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target(Place):
    """A project in an environment, with the assets that were built for it."""

    project: Project
    code_folder: Path
    sourcedir: Path
    sourcedir_sha256: str
    layer_zip: Path
    layer_digest: str
    workflows: Path

    def function_name(self, folder: str) -> str:
        """Name the function of a folder under `lambdas/`."""
        return names.function(self.environment.name, self.project.name, folder)

    def function_arn(self, folder: str) -> str:
        """Address the function of a folder under `lambdas/`."""
        return self.arn("lambda", f"function:{self.function_name(folder)}")

    def machine_name(self, machine: str) -> str:
        """Name a state machine."""
        return names.machine(self.environment.name, self.project.name, machine)

    def machine_arn(self, machine: str) -> str:
        """Address a state machine."""
        return self.arn("states", f"stateMachine:{self.machine_name(machine)}")

    def role_arn(self, purpose: str) -> str:
        """Address the role that SageMaker takes on for `training` or `serving`."""
        name = names.role(self.environment.name, self.project.name, purpose)
        return f"arn:{Aws.PARTITION}:iam::{self.account}:role/{name}"

    def alarm_name(self, signal: str) -> str:
        """Name the alarm of a signal."""
        return names.alarm(self.environment.name, self.project.name, signal)

    def trigger_name(self, purpose: str) -> str:
        """Name a rule or schedule after what it waits for."""
        return f"trimtab-{self.environment.name}-{self.project.name}-{purpose}"
