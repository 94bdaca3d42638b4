"""Training jobs that train: CreateTrainingJob runs AWS's own toolkit and keeps what SageMaker would."""

from __future__ import annotations

import json
import math
import re
import shutil
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ResourceInUseException, ValidationError
from moto.sagemaker.models import sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse
from moto.sagemaker.utils import arn_formatter

from localcloud.archives import BadArchive, pack
from localcloud.bridges import Bridge, epoch_millis
from localcloud.context import Context
from localcloud.jobs import LONGEST_REASON, Job, in_events
from localcloud.log_lines import LogStream
from localcloud.training_channels import InputProblem, download, refuse_empty, split_uri
from localcloud.training_run import Outcome, TrainingProcess

TITLE = "SageMaker Training Job State Change"
MESSAGES = {
    "Starting": "Starting the training job",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Completed": "Training job completed",
    "Stopping": "Stopping the training job",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
}

_bridge = Bridge()
_running: dict[str, TrainingJob] = {}


def install(context: Context) -> None:
    """Run this local cloud's training jobs; the jobs of the one before are ended."""
    stop()
    _bridge.install(context, _patch)


def stop() -> None:
    """End the processes of all jobs that still run."""
    for job in list(_running.values()):
        job.process.stop()
    _running.clear()


class TrainingJob(Job):
    """Hold one job: what DescribeTrainingJob says about it, and the process behind it."""

    def __init__(self, context: Context, request: Mapping[str, Any]) -> None:
        """Take a CreateTrainingJob request; nothing runs before `start`."""
        super().__init__(context.clock)
        self._context = context
        self._request = request
        self.training_job_name: str = request["TrainingJobName"]
        self.arn = arn_formatter("training-job", self.training_job_name, context.account, context.region)
        self.tags: list[dict[str, str]] = list(request.get("Tags") or ())
        folder = context.work_dir / "training" / self.training_job_name
        self.process = TrainingProcess(folder, context.container_python)
        now = _bridge.utcnow()
        kept = {key: value for key, value in request.items() if key != "Tags"}
        self._described = {
            "EnableNetworkIsolation": False,
            "EnableInterContainerTrafficEncryption": False,
            "EnableManagedSpotTraining": False,
            **kept,
            "TrainingJobArn": self.arn,
            "TrainingJobStatus": "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
            "SecondaryStatusTransitions": [],
        }

    # -- what moto's listings ask a job for

    @property
    def response_object(self) -> dict[str, Any]:
        """Return the description, as DescribeTrainingJob answers it."""
        with self._lock:
            transitions = [dict(item) for item in self._described["SecondaryStatusTransitions"]]
            return {**self._described, "SecondaryStatusTransitions": transitions}

    @property
    def training_job_status(self) -> str:
        """Return InProgress, Completed, Failed, Stopping or Stopped."""
        return str(self._described["TrainingJobStatus"])

    @property
    def training_end_time(self) -> datetime | None:
        """Return when the job ended, if it has."""
        return self._described.get("TrainingEndTime")

    # -- its life

    def start(self) -> None:
        """Announce the job and run it in a thread that the clock counts."""
        self._enter("Starting")
        self._context.clock.spawn(self.run, name=f"training job {self.training_job_name}")

    def run(self) -> None:
        """Take the job through download, training and upload to its end."""
        started = time.monotonic()
        logs = LogStream(self._context, "/aws/sagemaker/TrainingJobs", self._stream_name())
        try:
            outcome = self._train(logs)
            self._finish(outcome, time.monotonic() - started, logs)
        except (InputProblem, BadArchive) as problem:
            self._fail(f"ClientError: {problem}", time.monotonic() - started)
        except Exception as error:  # a job must end, whatever happens to it; the thread's owner logs it
            self._fail(f"InternalServerError: {type(error).__name__}: {error}", time.monotonic() - started)
            raise
        finally:
            self._context.usage.add("training", time.monotonic() - started)
            logs.flush()
            _running.pop(self.training_job_name, None)
            shutil.rmtree(self.process.root, ignore_errors=True)
            self._give_done()

    def request_stop(self) -> None:
        """Begin to stop the job; raise ValidationError when it has ended already."""
        with self._lock:
            if self.training_job_status != "InProgress":
                raise ValidationError(
                    "The request was rejected because the training job is in status "
                    f"{self.training_job_status}."
                )
            self._enter("Stopping", "Stopping")
        self.process.stop()

    def _train(self, logs: LogStream) -> Outcome:
        self._enter("Downloading")
        for channel in self._request.get("InputDataConfig") or ():
            download(self._context, channel, self.process.channel(channel["ChannelName"]))
        self.process.configure(self._request)
        self._described["TrainingStartTime"] = _bridge.utcnow()
        self._enter("Training")
        limit = self._request["StoppingCondition"].get("MaxRuntimeInSeconds", 86_400)
        return self.process.run(self.process.environment(self._request, self.arn), limit, logs.write)

    def _finish(self, outcome: Outcome, seconds: float, logs: LogStream) -> None:
        root = self.process.root
        is_good = outcome.exit_code == 0 and not outcome.is_stopped
        self._enter("Uploading")
        self._described["FinalMetricDataList"] = self._final_metrics(logs.text())
        # SageMaker keeps the model of a job that was stopped, and never that of one that failed.
        if is_good or (outcome.is_stopped and any(root.joinpath("model").iterdir())):
            self._described["ModelArtifacts"] = {
                "S3ModelArtifacts": self._upload(root / "model", "model.tar.gz")
            }
        if any(root.joinpath("output/data").iterdir()):
            self._upload(root / "output/data", "output.tar.gz")
        if outcome.is_stopped:
            self._end("Stopped", "MaxRuntimeExceeded" if outcome.is_over_time else "Stopped", seconds)
        elif is_good:
            self._end("Completed", "Completed", seconds)
        else:
            reason = outcome.failure or "the training script left no failure message"
            self._fail(f"AlgorithmError: {reason}, exit code: {outcome.exit_code}", seconds)

    def _upload(self, folder: Path, name: str) -> str:
        archive = self.process.root / name
        pack(folder, archive)
        config = self._request["OutputDataConfig"]
        uri = f"{config['S3OutputPath'].rstrip('/')}/{self.training_job_name}/output/{name}"
        bucket, key = split_uri(uri)
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": config.get("KmsKeyId")}
        extra = encrypted if config.get("KmsKeyId") else {}
        self._context.client("s3").upload_file(str(archive), bucket, key, ExtraArgs=extra)
        return uri

    def _final_metrics(self, text: str) -> list[dict[str, Any]]:
        found = []
        for definition in self._request["AlgorithmSpecification"].get("MetricDefinitions") or ():
            matches = re.findall(definition["Regex"], text)
            if matches:
                value = matches[-1] if isinstance(matches[-1], str) else matches[-1][0]
                found.append(
                    {"MetricName": definition["Name"], "Value": float(value), "Timestamp": _bridge.utcnow()}
                )
        return found

    def _stream_name(self) -> str:
        return f"{self.training_job_name}/algo-1-{epoch_millis(self.creation_time) // 1000}"

    # -- its statuses

    def _fail(self, reason: str, seconds: float) -> None:
        self._described["FailureReason"] = reason[:LONGEST_REASON]
        self._end("Failed", "Failed", seconds)

    def _end(self, status: str, secondary: str, seconds: float) -> None:
        billed = math.ceil(seconds)
        self._described |= {
            "TrainingEndTime": _bridge.utcnow(),
            "TrainingTimeInSeconds": billed,
            "BillableTimeInSeconds": billed,
        }
        self._enter(secondary, status)

    def _enter(self, secondary: str, status: str | None = None) -> None:
        now = _bridge.utcnow()
        with self._lock:
            transitions = self._described["SecondaryStatusTransitions"]
            if transitions:
                transitions[-1]["EndTime"] = now
            message = MESSAGES.get(secondary) or self._described.get("FailureReason", secondary)
            transitions.append({"Status": secondary, "StartTime": now, "StatusMessage": message})
            if secondary in ("Completed", "Failed", "Stopped", "MaxRuntimeExceeded"):
                transitions[-1]["EndTime"] = now
            self._described |= {
                "SecondaryStatus": secondary,
                "LastModifiedTime": now,
                "TrainingJobStatus": status or self.training_job_status,
            }
            detail = {
                **in_events(self.response_object),
                "Tags": {tag["Key"]: tag["Value"] for tag in self.tags},
            }
        self._context.emit_event("aws.sagemaker", TITLE, detail, [self.arn])


def find(name: str) -> TrainingJob | None:
    """Return the job of this name in the local cloud that runs."""
    context = _bridge.context
    job: object = sagemaker_backends[context.account][context.region].training_jobs.get(name)
    return job if isinstance(job, TrainingJob) else None


# -- the patches


def _patch() -> None:
    SageMakerResponse.create_training_job = _create_training_job  # type: ignore[method-assign]
    SageMakerResponse.stop_training_job = _stop_training_job  # type: ignore[attr-defined]


def _create_training_job(self: SageMakerResponse) -> ActionResult:
    context, backend = _bridge.context, self.sagemaker_backend
    request = json.loads(self.body)
    name = request["TrainingJobName"]
    existing = backend.training_jobs.get(name)
    if existing is not None:
        raise ResourceInUseException(
            "Training job names must be unique within an AWS account and region, and a training job with "
            f"this name already exists ({existing.arn})"
        )
    try:
        for channel in request.get("InputDataConfig") or ():
            if channel.get("InputMode", "File") == "Pipe":
                raise InputProblem(
                    f"the channel {channel['ChannelName']!r} asks for Pipe mode; only File is local"
                )
        refuse_empty(context, request.get("InputDataConfig") or [], request["RoleArn"])
    except InputProblem as problem:
        raise ValidationError(str(problem)) from problem
    job = TrainingJob(context, request)
    backend.training_jobs[name] = job  # type: ignore[assignment]
    _running[name] = job
    job.start()
    return ActionResult({"TrainingJobArn": job.arn})


def _stop_training_job(self: SageMakerResponse) -> EmptyResult:
    name = self._get_param("TrainingJobName")
    job: object = self.sagemaker_backend.training_jobs.get(name)
    if not isinstance(job, TrainingJob):
        raise ValidationError(f"Requested resource not found: the training job {name}.")
    job.request_stop()
    return EmptyResult()
