"""Batch transform jobs that transform: the model's own serving process answers for each file of the input."""

from __future__ import annotations

import gzip
import json
import shutil
import time
import zlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ResourceInUseException, ValidationError
from moto.sagemaker.models import sagemaker_backends
from moto.sagemaker.responses import SageMakerResponse
from moto.sagemaker.utils import arn_formatter

from localcloud import endpoints, serving
from localcloud.archives import BadArchive
from localcloud.bridges import Bridge
from localcloud.context import Context
from localcloud.jobs import LONGEST_REASON, Job, in_events
from localcloud.log_lines import LogStream
from localcloud.serving_processes import WorkerFailed
from localcloud.training_channels import InputProblem, download, split_uri
from localcloud.transform_requests import MEGABYTE, TooMuchData, assemble, cut

TITLE = "SageMaker Transform Job State Change"
MOST_MEGABYTES = 100  # MaxConcurrentTransforms times MaxPayloadInMB
LOG_GROUP = "/aws/sagemaker/TransformJobs"

_bridge = Bridge()
_running: dict[str, TransformJob] = {}


class Failed(Exception):
    """The job fails with this reason."""


def install(context: Context) -> None:
    """Run this local cloud's transform jobs; `serving.install` comes first."""
    stop()
    _bridge.install(context, _patch)


def stop() -> None:
    """End the processes of all jobs that still run."""
    for job in list(_running.values()):
        job.try_to_stop()
    _running.clear()


class TransformJob(Job):
    """Hold one job: what DescribeTransformJob says about it, and the process that answers."""

    def __init__(self, context: Context, request: Mapping[str, Any], container: Mapping[str, Any]) -> None:
        """Take a CreateTransformJob request and the container of its model; nothing runs before `start`."""
        super().__init__(context.clock)
        self._context, self._container = context, container
        self.transform_job_name: str = request["TransformJobName"]
        self.arn = arn_formatter("transform-job", self.transform_job_name, context.account, context.region)
        self.tags: list[dict[str, str]] = list(request.get("Tags") or ())
        self._folder = context.work_dir / "transform" / self.transform_job_name
        self._logs = LogStream(context, LOG_GROUP, f"{self.transform_job_name}/i-local")
        self._is_stopping = False
        now = _bridge.utcnow()
        self._described = {
            "MaxPayloadInMB": 6,
            "BatchStrategy": "MultiRecord",
            **{key: value for key, value in request.items() if key != "Tags"},
            "TransformJobArn": self.arn,
            "TransformJobStatus": "InProgress",
            "CreationTime": now,
            "LastModifiedTime": now,
        }
        self._input: Mapping[str, Any] = request["TransformInput"]
        self._output: Mapping[str, Any] = request["TransformOutput"]

    # -- what moto asks a job for

    @property
    def response_object(self) -> dict[str, Any]:
        """Return the description, as DescribeTransformJob answers it."""
        with self._lock:
            return dict(self._described)

    @property
    def transform_job_status(self) -> str:
        """Return InProgress, Completed, Failed, Stopping or Stopped."""
        return str(self._described["TransformJobStatus"])

    @property
    def transform_end_time(self) -> datetime | None:
        """Return when the job ended, if it has."""
        return self._described.get("TransformEndTime")

    # -- its life

    def start(self) -> None:
        """Announce the job and run it in a thread that the clock counts."""
        self._enter("InProgress")
        self._context.clock.spawn(self.run, name=f"transform job {self.transform_job_name}")

    def run(self) -> None:
        """Take the job through its input's files to its end."""
        started = time.monotonic()
        try:
            self._transform()
            self._enter("Stopped" if self._is_stopping else "Completed")
        except Failed as failure:
            self._fail(str(failure))
        except Exception as error:  # a job must end, whatever happens to it; the thread's owner logs it
            self._fail(f"InternalServerError: {type(error).__name__}: {error}")
            raise
        finally:
            self._context.usage.add("inference", time.monotonic() - started)
            self._logs.flush()
            _running.pop(self.transform_job_name, None)
            shutil.rmtree(self._folder, ignore_errors=True)
            self._give_done()

    def request_stop(self) -> None:
        """Begin to stop the job, after the request that is under way."""
        with self._lock:
            if self.transform_job_status != "InProgress":
                raise ValidationError(
                    "The request was rejected because the transform job is in status "
                    f"{self.transform_job_status}."
                )
            self._is_stopping = True
            self._enter("Stopping")

    def _transform(self) -> None:
        channel = {"ChannelName": "input", "DataSource": self._input["DataSource"]}
        try:
            download(self._context, channel, self._folder)
        except InputProblem as problem:
            raise Failed(f"ClientError: {problem}") from problem
        files = sorted(path for path in self._folder.rglob("*") if path.is_file())
        if not files:
            uri = self._input["DataSource"]["S3DataSource"]["S3Uri"]
            raise Failed(f"ClientError: S3 key: {uri} matched no files on s3")
        with self._lock:
            self._described["TransformStartTime"] = _bridge.utcnow()
        running = serving.current()
        try:
            variant = running.start_variant("transform", 1.0, self._with_variables(), self._logs)
        except (WorkerFailed, BadArchive, ClientError) as problem:
            raise Failed(f"AlgorithmError: {serving.describe_failure(problem)}") from problem
        # A file that fails leaves no output; the others' are of use all the same.
        found = [self._transform_file(variant, path) for path in files]
        variant.close()
        if reasons := [reason for reason in found if reason is not None]:
            raise Failed(reasons[0])

    def _transform_file(self, variant: serving.Variant, path: Path) -> str | None:
        """Write one file's answers; return what went wrong instead."""
        name, source = path.relative_to(self._folder).as_posix(), self._input
        answers: list[bytes] = []
        try:
            for request in cut(
                self._content(path),
                split=source.get("SplitType", "None"),
                strategy=self._described["BatchStrategy"],
                most_bytes=self._described["MaxPayloadInMB"] * MEGABYTE,
            ):
                if self._is_stopping:
                    return None
                answer = serving.current().answer(
                    variant, request, source.get("ContentType"), self._output.get("Accept")
                )
                if answer.status >= 400:
                    text = answer.body.decode("utf-8", "replace")
                    status = f"Bad HTTP status received from algorithm: {answer.status}"
                    return f"AlgorithmError: {name}: {status}: {text}"
                answers.append(answer.body)
        except TooMuchData as problem:
            return f"ClientError: {name}: Too much data for max payload size: {problem}"
        except (gzip.BadGzipFile, EOFError, zlib.error) as problem:
            return f"ClientError: {name} is no gzip: {problem}"
        self._write(f"{name}.out", assemble(answers, assemble_with=self._output.get("AssembleWith", "None")))
        return None

    def _content(self, path: Path) -> bytes:
        content = path.read_bytes()
        return gzip.decompress(content) if self._input.get("CompressionType") == "Gzip" else content

    def _write(self, name: str, content: bytes) -> None:
        bucket, prefix = split_uri(self._output["S3OutputPath"])
        key = f"{prefix.rstrip('/')}/{name}".lstrip("/")
        own_key = self._output.get("KmsKeyId")
        extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": own_key} if own_key else {}
        self._context.client("s3").put_object(Bucket=bucket, Key=key, Body=content, **extra)

    def _with_variables(self) -> dict[str, Any]:
        described = self._described
        variables = {
            **(self._container.get("Environment") or {}),
            **(described.get("Environment") or {}),
            "SAGEMAKER_BATCH": "true",
            "SAGEMAKER_BATCH_STRATEGY": described["BatchStrategy"],
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(described["MaxPayloadInMB"]),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(described.get("MaxConcurrentTransforms", 1)),
        }
        return {**self._container, "Environment": variables}

    def _fail(self, reason: str) -> None:
        self._described["FailureReason"] = reason[:LONGEST_REASON]
        self._enter("Failed")

    def _enter(self, status: str) -> None:
        now = _bridge.utcnow()
        with self._lock:
            self._described |= {"TransformJobStatus": status, "LastModifiedTime": now}
            if status in ("Completed", "Failed", "Stopped"):
                self._described["TransformEndTime"] = now
            tags = {tag["Key"]: tag["Value"] for tag in self.tags}
            detail = {**in_events(self._described), "Tags": tags}
        self._context.emit_event("aws.sagemaker", TITLE, detail, [self.arn])


def find(name: str) -> TransformJob | None:
    """Return the job of this name in the local cloud that runs."""
    context = _bridge.context
    job: object = sagemaker_backends[context.account][context.region].transform_jobs.get(name)
    return job if isinstance(job, TransformJob) else None


# -- the patches


def _patch() -> None:
    SageMakerResponse.create_transform_job = _create_transform_job  # type: ignore[method-assign]
    SageMakerResponse.stop_transform_job = _stop_transform_job  # type: ignore[attr-defined]


def _create_transform_job(self: SageMakerResponse) -> ActionResult:
    backend, request = self.sagemaker_backend, json.loads(self.body)
    name = request["TransformJobName"]
    existing = backend.transform_jobs.get(name)
    if existing is not None:
        raise ResourceInUseException(
            "Job name must be unique within an AWS account and region, and a job with this name already "
            f"exists ({existing.arn})"
        )
    _refuse(request)
    model = backend.describe_model(request["ModelName"])  # refuses an unknown one
    container = endpoints.resolved(backend, model.primary_container or model.containers[0])
    job = TransformJob(_bridge.context, request, container)
    backend.transform_jobs[name] = job  # type: ignore[assignment]
    _running[name] = job
    job.start()
    return ActionResult({"TransformJobArn": job.arn})


def _refuse(request: Mapping[str, Any]) -> None:
    """Raise ValidationError for what SageMaker refuses, and for what is not local."""
    payload, at_once = request.get("MaxPayloadInMB", 6), request.get("MaxConcurrentTransforms", 1)
    if payload * at_once > MOST_MEGABYTES:
        raise ValidationError(
            f"MaxConcurrentTransforms ({at_once}) times MaxPayloadInMB ({payload}) must not exceed "
            f"{MOST_MEGABYTES} MB"
        )
    split = request["TransformInput"].get("SplitType", "None")
    if split not in ("None", "Line"):
        raise ValidationError(f"SplitType {split} is not local; use None or Line")
    if request.get("DataProcessing"):
        raise ValidationError("DataProcessing is not local; join and filter the files yourself")


def _stop_transform_job(self: SageMakerResponse) -> EmptyResult:
    name = self._get_param("TransformJobName")
    job: object = self.sagemaker_backend.transform_jobs.get(name)
    if not isinstance(job, TransformJob):
        raise ValidationError(f"Could not find transform job '{name}'.")
    job.request_stop()
    return EmptyResult()
