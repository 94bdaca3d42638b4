"""Data capture: what an endpoint was asked and what it answered, as SageMaker writes it to S3."""

from __future__ import annotations

import base64
import json
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from localcloud.bridges import iso_seconds
from localcloud.context import Context
from localcloud.training_channels import split_uri


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """Hold one request to a variant and its answer."""

    body: bytes
    content_type: str | None
    answer: bytes
    answer_type: str
    inference_id: str | None = None
    custom_attributes: str | None = None


class Capture:
    """Follow one endpoint configuration's DataCaptureConfig."""

    def __init__(self, context: Context, endpoint: str, config: Mapping[str, Any]) -> None:
        """Take the configuration as CreateEndpointConfig got it; an empty one captures nothing."""
        self._context = context
        self._endpoint = endpoint
        self._config = config
        self._share = (
            float(config.get("InitialSamplingPercentage", 0)) if config.get("EnableCapture") else 0.0
        )
        self._owed = 0.0
        self._lock = threading.Lock()

    def keep(self, variant: str, exchange: Exchange) -> None:
        """Write one exchange, if it is this one's turn: exactly the configured share is kept."""
        with self._lock:
            self._owed += self._share
            if self._owed < 100.0:
                return
            self._owed -= 100.0
        now = self._context.clock.now()
        event_id = str(uuid.uuid4())
        bucket, prefix = split_uri(self._config["DestinationS3Uri"])
        parts = [part for part in (prefix.strip("/"), self._endpoint, variant) if part]
        name = f"{now:%Y/%m/%d/%H/%M-%S}-{now.microsecond // 1000:03d}-{event_id}.jsonl"
        key_id = self._config.get("KmsKeyId")
        encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
        self._context.client("s3").put_object(
            Bucket=bucket,
            Key="/".join([*parts, name]),
            Body=self._line(exchange, event_id, now),
            ContentType="application/jsonlines",
            **encrypted,
        )

    def _line(self, exchange: Exchange, event_id: str, now: datetime) -> bytes:
        modes = {option["CaptureMode"] for option in self._config["CaptureOptions"]}
        data: dict[str, Any] = {}
        if modes & {"Input", "InputAndOutput"}:
            data["endpointInput"] = self._side("INPUT", exchange.body, exchange.content_type)
        if modes & {"Output", "InputAndOutput"}:
            data["endpointOutput"] = self._side("OUTPUT", exchange.answer, exchange.answer_type)
        metadata: dict[str, Any] = {"eventId": event_id}
        if exchange.custom_attributes:
            metadata["customAttributes"] = [exchange.custom_attributes]
        if exchange.inference_id:
            metadata["inferenceId"] = exchange.inference_id
        metadata["inferenceTime"] = iso_seconds(now)
        line = {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}
        return json.dumps(line, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"

    def _side(self, mode: str, body: bytes, content_type: str | None) -> dict[str, Any]:
        headers: Mapping[str, Sequence[str]] = self._config.get("CaptureContentTypeHeader") or {}
        plain = (content_type or "").split(";")[0].strip().lower()
        encoding, data = "BASE64", ""
        for name, listed in (("CSV", "CsvContentTypes"), ("JSON", "JsonContentTypes")):
            if plain and plain in {kind.lower() for kind in headers.get(listed) or ()}:
                encoding, data = name, body.decode("utf-8", "replace")
        if encoding == "BASE64":
            data = base64.b64encode(body).decode()
        return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}
