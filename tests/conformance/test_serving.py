"""Invocations: the model's own code answers, is measured and captured; errors are told from refusals."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localcloud import LocalCloud, metrics
from localcloud.metrics import MetricKey
from tests.conformance.models import BUCKET, CAPTURE, ROWS, configure, invoke, put_models

ENDPOINT = "answers"


@pytest.fixture(scope="module", autouse=True)
def _endpoint(cloud: LocalCloud) -> None:
    put_models(cloud)
    configure(cloud, "answers-v1")
    cloud.client("sagemaker").create_endpoint(EndpointName=ENDPOINT, EndpointConfigName="answers-v1")
    cloud.settle(60)


def captured(cloud: LocalCloud, endpoint: str) -> list[tuple[str, dict[str, Any]]]:
    s3 = cloud.client("s3")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"captured/flights/{endpoint}/").get("Contents", [])
    return [
        (item["Key"], json.loads(s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read()))
        for item in listed
    ]


def test_the_models_own_code_answers(cloud: LocalCloud) -> None:
    before = cloud.usage.seconds("inference")
    answer = invoke(cloud, ENDPOINT)
    assert answer["Body"] == b"prediction_id,model_version,score\n1,1,0.5\n2,1,0.5\n"
    assert answer["ContentType"] == "text/csv"
    assert answer["InvokedProductionVariant"] == "AllTraffic"
    assert cloud.usage.seconds("inference") > before


def test_what_was_asked_and_answered_is_captured(cloud: LocalCloud) -> None:
    cloud.advance_to(cloud.now() + timedelta(hours=30, minutes=4, seconds=5), 20)
    answer = invoke(cloud, ENDPOINT, InferenceId="request-7")
    key, line = captured(cloud, ENDPOINT)[-1]
    assert key.startswith(f"captured/flights/{ENDPOINT}/AllTraffic/2013/01/02/06/04-05-000-")
    assert key.endswith(".jsonl")
    assert line == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": ROWS.decode(),
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "text/csv",
                "mode": "OUTPUT",
                "data": answer["Body"].decode(),
                "encoding": "CSV",
            },
        },
        "eventMetadata": {
            "eventId": line["eventMetadata"]["eventId"],
            "inferenceId": "request-7",
            "inferenceTime": "2013-01-02T06:04:05Z",
        },
        "eventVersion": "0",
    }


def test_capture_follows_its_share_and_declared_content_types(cloud: LocalCloud) -> None:
    third = {**CAPTURE, "InitialSamplingPercentage": 30, "CaptureOptions": [{"CaptureMode": "Input"}]}
    del third["CaptureContentTypeHeader"]
    configure(cloud, "third", DataCaptureConfig=third)
    configure(cloud, "never", DataCaptureConfig={**CAPTURE, "EnableCapture": False})
    for name in ("third", "never"):
        cloud.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=name)
    cloud.settle(60)
    for _ in range(10):
        invoke(cloud, "third")
        invoke(cloud, "never")
    assert captured(cloud, "never") == []
    lines = [line for _, line in captured(cloud, "third")]
    assert len(lines) == 3
    assert set(lines[0]["captureData"]) == {"endpointInput"}
    side = lines[0]["captureData"]["endpointInput"]
    assert side["encoding"] == "BASE64"
    assert base64.b64decode(side["data"]) == ROWS


def test_invocations_are_counted(cloud: LocalCloud) -> None:
    def total(name: str) -> float:
        key = MetricKey("AWS/SageMaker", name, frozenset(dimensions.items()))
        series = metrics.store().series(key)
        bucket = series.bucket(0, cloud.clock.time() + 1) if series is not None else None
        return bucket.statistic("Sum") if bucket is not None else 0.0

    dimensions = {"EndpointName": ENDPOINT, "VariantName": "AllTraffic"}
    names = ("Invocations", "Invocation5XXErrors", "ModelLatency")
    before = {name: total(name) for name in names}
    invoke(cloud, ENDPOINT)
    with pytest.raises(ClientError):
        invoke(cloud, ENDPOINT, b"prediction_id,boom\n1,2\n")
    after = {name: total(name) - before[name] for name in names}
    assert after["Invocations"] == 2
    assert after["Invocation5XXErrors"] == 1
    assert after["ModelLatency"] > 0
    dimensions["EndpointConfigName"] = "answers-v1"
    assert total("Invocations") > 0


def test_an_error_in_the_models_code_is_a_model_error(cloud: LocalCloud) -> None:
    count = len(captured(cloud, ENDPOINT))
    with pytest.raises(ClientError, match="a boom column") as caught:
        invoke(cloud, ENDPOINT, b"prediction_id,boom\n1,2\n")
    answer: Any = caught.value.response
    assert answer["Error"]["Code"] == "ModelError"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert int(answer["OriginalStatusCode"]) == 500
    assert "ValueError: a boom column" in answer["OriginalMessage"]
    assert len(captured(cloud, ENDPOINT)) == count


def test_a_model_that_dies_is_started_again(cloud: LocalCloud) -> None:
    with pytest.raises(ClientError, match="the serving process ended"):
        invoke(cloud, ENDPOINT, b"prediction_id,die\n1,2\n")
    assert invoke(cloud, ENDPOINT)["Body"].endswith(b"2,1,0.5\n")


def test_what_no_model_gets_to_see_is_a_validation_error(cloud: LocalCloud) -> None:
    for endpoint, body in (("unknown", ROWS), (ENDPOINT, b"x" * (6 * 1024 * 1024 + 1))):
        with pytest.raises(ClientError) as caught:
            invoke(cloud, endpoint, body)
        assert caught.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="Variant"):
        invoke(cloud, ENDPOINT, TargetVariant="Other")


def test_what_the_model_prints_is_in_the_logs(cloud: LocalCloud) -> None:
    invoke(cloud, ENDPOINT)
    events = cloud.client("logs").get_log_events(
        logGroupName=f"/aws/sagemaker/Endpoints/{ENDPOINT}", logStreamName="AllTraffic/i-local"
    )["events"]
    assert "predicting 2" in [event["message"] for event in events]
