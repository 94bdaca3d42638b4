"""Names of everything that is deployed, as functions of environment and project.

Stacks share names by convention rather than by exports, so that no stack locks another.
Bucket names take account and region as arguments, because templates fill them in with pseudo parameters.
"""

from trimtab.canonical import digest

MACHINES = ("ingest", "train", "deploy", "monitor")
# Rows that a deployment sends to its own endpoint are captured with all other traffic; this tells them apart.
PROBE_PREFIX = "trimtab-probe-"


def data_bucket(environment: str, account: str, region: str) -> str:
    """Name the bucket of uploads, dataset versions, captures and reports."""
    return f"trimtab-{environment}-data-{account}-{region}"


def model_bucket(environment: str, account: str, region: str) -> str:
    """Name the bucket of code, training runs, model artefacts and baselines."""
    return f"trimtab-{environment}-models-{account}-{region}"


def log_bucket(environment: str, account: str, region: str) -> str:
    """Name the bucket that receives the other buckets' access logs."""
    return f"trimtab-{environment}-logs-{account}-{region}"


def table(environment: str) -> str:
    """Name the one table."""
    return f"trimtab-{environment}"


def topic(environment: str) -> str:
    """Name the topic that alarms publish to."""
    return f"trimtab-{environment}-alerts"


def dead_letter_queue(environment: str) -> str:
    """Name the queue of events that could not be delivered."""
    return f"trimtab-{environment}-dead-letters"


def key_alias(environment: str) -> str:
    """Name the alias of the encryption key."""
    return f"alias/trimtab-{environment}"


def machine(environment: str, project: str, name: str) -> str:
    """Name a project's state machine: ingest, train, deploy or monitor."""
    return f"trimtab-{environment}-{project}-{name}"


def function(environment: str, project: str, folder: str) -> str:
    """Name the Lambda function of a folder under `lambdas/`.

    >>> function("dev", "flights", "validate_upload")
    'trimtab-dev-flights-validate-upload'
    """
    return f"trimtab-{environment}-{project}-{folder.replace('_', '-')}"


def model_package_group(environment: str, project: str) -> str:
    """Name the project's group in the model registry."""
    return f"trimtab-{environment}-{project}"


def endpoint(environment: str, project: str) -> str:
    """Name the project's endpoint."""
    return f"trimtab-{environment}-{project}"


def alarm(environment: str, project: str, signal: str) -> str:
    """Name the alarm of a signal such as `drift`."""
    return f"trimtab-{environment}-{project}-{signal}"


def role(environment: str, project: str, purpose: str) -> str:
    """Name the role that SageMaker takes on for `training` or `serving`."""
    return f"trimtab-{environment}-{project}-{purpose}"


def execution(machine_name: str, subject: dict[str, object]) -> str:
    """Name an execution after what it is about, so that the same event twice is the same run."""
    return f"{machine_name}-{digest({'machine': machine_name, 'subject': subject})[:32]}"
