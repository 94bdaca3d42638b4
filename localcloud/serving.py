"""Invocations: an endpoint's variants answer from warm processes, are measured, and are captured."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import ServiceException
from moto.sagemakerruntime.responses import SageMakerRuntimeResponse

from localcloud import metrics
from localcloud.archives import unpack
from localcloud.bridges import Bridge
from localcloud.capture import Capture, Exchange
from localcloud.context import Context
from localcloud.log_lines import LogStream
from localcloud.serving_processes import Answer, Nursery, Worker, WorkerFailed
from localcloud.training_channels import split_uri

LOG = logging.getLogger("localcloud.serving")
MOST_BYTES = 6 * 1024 * 1024


class InvocationRefused(ServiceException):
    """SageMaker does not pass the request on to a model."""

    code = "ValidationError"


class ModelError(ServiceException):
    """The model's container failed."""

    code = "ModelError"

    def __init__(self, status: int, text: str, log_stream_arn: str) -> None:
        """Take the container's status and what it said."""
        super().__init__(
            f'Received server error ({status}) from primary with message "{text}". {log_stream_arn}'
        )
        self.original_status_code = status
        self.original_message = text
        self.log_stream_arn = log_stream_arn


@dataclass(slots=True)
class Variant:
    """Hold one production variant in service."""

    name: str
    weight: float
    worker: Worker
    model_dir: Path
    environment: Mapping[str, str]
    logs: LogStream
    served: int = 0
    read_bytes: int = 0
    is_retired: bool = False

    def close(self) -> None:
        """End the process for good."""
        self.is_retired = True
        self.worker.close()


@dataclass(slots=True)
class Fleet:
    """Hold what answers for an endpoint under one configuration."""

    config_name: str
    variants: dict[str, Variant]
    capture: Capture
    lock: threading.Lock = field(default_factory=threading.Lock)

    def choose(self, wanted: str | None) -> Variant:
        """Return the variant asked for, or the one furthest behind its weight."""
        if wanted:
            if wanted not in self.variants:
                raise InvocationRefused(f"Variant {wanted} not found for this endpoint.")
            return self.variants[wanted]
        with self.lock:
            chosen = min(
                self.variants.values(), key=lambda variant: (variant.served + 1) / max(variant.weight, 1e-9)
            )
            chosen.served += 1
            return chosen

    def close(self) -> None:
        """End the fleet's processes."""
        for variant in self.variants.values():
            variant.close()


class Serving:
    """Hold the fleets, the unpacked models and the processes of one local cloud."""

    def __init__(self, context: Context) -> None:
        """Start with no endpoint; processes start when the first model is made."""
        self.context = context
        self.nursery = Nursery(context.container_python)
        self.fleets: dict[str, Fleet] = {}
        self._models: dict[str, Path] = {}
        self._lock = threading.Lock()

    def model_dir(self, uri: str) -> Path:
        """Return the folder of an unpacked model; raise BadArchive for anything unexpected in it."""
        bucket, key = split_uri(uri)
        found = self.context.client("s3").get_object(Bucket=bucket, Key=key)
        identity = f"{uri}#{found['ETag']}"
        with self._lock:
            if identity not in self._models:
                root = self.context.work_dir / "models" / str(len(self._models))
                (root / "model").mkdir(parents=True)
                archive = root / "model.tar.gz"
                archive.write_bytes(found["Body"].read())
                unpack(archive, root / "model")
                archive.unlink()
                self._models[identity] = root / "model"
            return self._models[identity]

    def start_variant(
        self, name: str, weight: float, container: Mapping[str, Any], logs: LogStream
    ) -> Variant:
        """Start a process with this container's model; raise WorkerFailed or BadArchive."""
        folder = self.model_dir(container["ModelDataUrl"])
        environment = {str(key): str(value) for key, value in (container.get("Environment") or {}).items()}
        try:
            worker = Worker(self.nursery, self.context, folder, environment)
        except WorkerFailed as failure:
            for line in str(failure).splitlines():
                logs.write(line)
            logs.flush()
            raise
        return Variant(name, weight, worker, folder, environment, logs)

    def answer(self, variant: Variant, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        """Ask a variant; a process that ended is started again for the next request."""
        try:
            return variant.worker.invoke(body, content_type, accept)
        except WorkerFailed as failure:
            text = f"Your invocation could not be answered: {failure}"
            return Answer(500, "text/plain", text.encode(), 0.0)
        finally:
            self._collect_log(variant)
            if not variant.worker.is_open:
                self._restart(variant)

    def _restart(self, variant: Variant) -> None:
        with self._lock:
            if variant.worker.is_open or variant.is_retired:
                return
            try:
                variant.worker = Worker(self.nursery, self.context, variant.model_dir, variant.environment)
                variant.read_bytes = 0
            except WorkerFailed as failure:
                LOG.error("variant %s does not start again: %s", variant.name, failure)

    @staticmethod
    def _collect_log(variant: Variant) -> None:
        log = variant.worker.log
        if log.exists() and log.stat().st_size > variant.read_bytes:
            with log.open("rb") as opened:
                opened.seek(variant.read_bytes)
                fresh = opened.read()
            variant.read_bytes += len(fresh)
            for line in fresh.decode("utf-8", "replace").splitlines():
                variant.logs.write(line)
            variant.logs.flush()

    def stop(self) -> None:
        """End every process."""
        for fleet in self.fleets.values():
            fleet.close()
        self.fleets.clear()
        self.nursery.stop()


class _Running:
    serving: Serving | None = None


_bridge = Bridge()


def install(context: Context) -> None:
    """Serve this local cloud's endpoints; the processes of the one before are ended."""
    stop()
    _Running.serving = Serving(context)
    _bridge.install(context, _patch)


def stop() -> None:
    """End all serving processes."""
    if _Running.serving is not None:
        _Running.serving.stop()
        _Running.serving = None


def current() -> Serving:
    """Return what serves the local cloud that runs; raise RuntimeError when none does."""
    if _Running.serving is None:
        raise RuntimeError("no local cloud serves models: call serving.install(context) first")
    return _Running.serving


def _patch() -> None:
    SageMakerRuntimeResponse.invoke_endpoint = _invoke_endpoint  # type: ignore[method-assign]


def _invoke_endpoint(self: SageMakerRuntimeResponse) -> TYPE_RESPONSE:
    serving = current()
    name = self.path.split("/")[2]
    fleet = serving.fleets.get(name)
    if fleet is None:
        raise InvocationRefused(f"Endpoint {name} of account {serving.context.account} not found.")
    body = self.body if isinstance(self.body, bytes) else str(self.body).encode()
    if len(body) > MOST_BYTES:
        raise InvocationRefused(f"The request has {len(body)} bytes; an endpoint takes at most {MOST_BYTES}.")
    headers = {key.lower(): value for key, value in self.headers.items()}
    variant = fleet.choose(headers.get("x-amzn-sagemaker-target-variant"))
    content_type, accept = headers.get("content-type"), headers.get("accept")
    answer = serving.answer(variant, body, content_type, accept)
    serving.context.usage.add("inference", answer.seconds)
    _measure(serving.context, name, fleet, variant, answer)
    if answer.status >= 400 or len(answer.body) > MOST_BYTES:
        raise _model_error(serving.context, name, variant, answer)
    exchange = Exchange(
        body=body,
        content_type=content_type,
        answer=answer.body,
        answer_type=answer.content_type,
        inference_id=headers.get("x-amzn-sagemaker-inference-id"),
        custom_attributes=headers.get("x-amzn-sagemaker-custom-attributes"),
    )
    fleet.capture.keep(variant.name, exchange)
    answered = {"Content-Type": answer.content_type, "x-Amzn-Invoked-Production-Variant": variant.name}
    return 200, answered, answer.body


def _model_error(context: Context, endpoint: str, variant: Variant, answer: Answer) -> ModelError:
    text = answer.body.decode("utf-8", "replace")
    if answer.status < 400:
        text = f"the response has {len(answer.body)} bytes; an endpoint answers at most {MOST_BYTES}"
    arn = (
        f"arn:aws:logs:{context.region}:{context.account}:log-group:/aws/sagemaker/Endpoints/{endpoint}:"
        f"log-stream:{variant.name}/i-local"
    )
    return ModelError(max(answer.status, 500), text, arn)


def _measure(context: Context, endpoint: str, fleet: Fleet, variant: Variant, answer: Answer) -> None:
    counts = {
        "Invocations": 1.0,
        "Invocation4XXErrors": float(400 <= answer.status < 500),
        "Invocation5XXErrors": float(answer.status >= 500),
    }
    by_variant = {"EndpointName": endpoint, "VariantName": variant.name}
    for dimensions in (by_variant, {**by_variant, "EndpointConfigName": fleet.config_name}):
        metrics.record(context, "AWS/SageMaker", counts, dimensions)
        latency = {"ModelLatency": answer.seconds * 1e6}
        metrics.record(context, "AWS/SageMaker", latency, dimensions, unit="Microseconds")


def describe_failure(error: Exception) -> str:
    """Say in SageMaker's words why a variant did not come into service, and in ours what it was."""
    lines = [line for line in str(error).splitlines() if line.strip()]
    return (
        "The primary container did not pass the ping health check. Please check CloudWatch logs for this "
        f"endpoint. {lines[-1][:600] if lines else type(error).__name__}"
    )
