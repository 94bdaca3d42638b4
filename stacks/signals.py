"""What a project's alarms listen to, and what silence of each signal means."""

from stacks.constructs.alarm import DAY, Signal
from stacks.target import Target
from trimtab import names

FIVE_MINUTES = 300


def signals(target: Target) -> list[Signal]:
    """List the signals of a project, the two that make it retrain first."""
    return [*_model_signals(target), *_data_signals(target), *_plumbing_signals(target)]


def _model_signals(target: Target) -> list[Signal]:
    own = _dimensions(target)
    return [
        # Persistence over windows is computed by the monitor; an alarm cannot look back that far.
        Signal(
            name="drift",
            meaning="Production has drifted from the champion's training data for several windows.",
            metric="DriftPersistent",
            dimensions=own,
            statistic="Maximum",
            threshold=1,
            silence="notBreaching",
        ),
        Signal(
            name="decay",
            meaning="The champion predicts worse than it did when it was trained.",
            metric="Decay",
            dimensions=own,
            statistic="Maximum",
            threshold=1,
            silence="notBreaching",
        ),
        Signal(
            name="undetermined",
            meaning="More than a fifth of the model's inputs could not be compared with the baseline.",
            metric="UndeterminedShare",
            dimensions=own,
            statistic="Maximum",
            threshold=0.2,
            comparison="GreaterThanThreshold",
            silence="notBreaching",
        ),
        # Two days, because the day that has just begun has no heartbeat yet.
        Signal(
            name="heartbeat",
            meaning="Monitoring has not run for two days, so nobody would notice drift.",
            metric="Heartbeat",
            dimensions=own,
            statistic="Sum",
            threshold=1,
            comparison="LessThanThreshold",
            silence="breaching",
            period_seconds=DAY,
            periods=2,
            by_the_clock=True,
        ),
    ]


def _data_signals(target: Target) -> list[Signal]:
    own = _dimensions(target)
    return [
        Signal(
            name="quarantine",
            meaning="More rows of an upload were set aside than the project tolerates.",
            metric="QuarantinedShare",
            dimensions=own,
            statistic="Maximum",
            threshold=target.project.data.max_bad_share,
            comparison="GreaterThanThreshold",
            silence="notBreaching",
            period_seconds=FIVE_MINUTES,
        ),
        Signal(
            name="refused",
            meaning="An upload was refused as a whole.",
            metric="UploadsRefused",
            dimensions=own,
            statistic="Sum",
            threshold=1,
            silence="notBreaching",
            period_seconds=FIVE_MINUTES,
        ),
    ]


def _plumbing_signals(target: Target) -> list[Signal]:
    queue = names.dead_letter_queue(target.environment.name)
    machines = [{"StateMachineArn": target.machine_arn(machine)} for machine in names.MACHINES]
    functions = [{"FunctionName": target.function_name("start_run")}]
    return [
        Signal(
            name="dead-letters",
            meaning="An event could not be delivered and waits in the dead-letter queue.",
            namespace="AWS/SQS",
            metric="ApproximateNumberOfMessagesVisible",
            dimensions={"QueueName": queue},
            statistic="Maximum",
            threshold=1,
            silence="notBreaching",
            period_seconds=FIVE_MINUTES,
        ),
        Signal(
            name="workflow-failures",
            meaning="A state machine failed, ran out of time or was stopped.",
            namespace="AWS/States",
            added_up=tuple(
                (metric, dimensions)
                for dimensions in machines
                for metric in ("ExecutionsFailed", "ExecutionsTimedOut")
            ),
            statistic="Sum",
            threshold=1,
            silence="notBreaching",
            period_seconds=FIVE_MINUTES,
        ),
        Signal(
            name="start-failures",
            meaning="Runs could not be started: the function that starts them failed or was throttled.",
            namespace="AWS/Lambda",
            added_up=tuple(
                (metric, dimensions) for dimensions in functions for metric in ("Errors", "Throttles")
            ),
            statistic="Sum",
            threshold=1,
            silence="notBreaching",
            period_seconds=FIVE_MINUTES,
        ),
    ]


def _dimensions(target: Target) -> dict[str, str]:
    return {"Project": target.project.name, "Environment": target.environment.name}
