"""Models for the tests of endpoints: small, and real enough for the inference toolkit."""

from __future__ import annotations

from typing import Any

from localcloud import LocalCloud
from tests.conformance.archives import packed

BUCKET = "serving-conformance"
INFERENCE = """
import io, os
import pandas as pd

def model_fn(folder):
    with open(os.path.join(folder, "model.txt")) as opened:
        return float(opened.read())

def input_fn(body, content_type):
    assert content_type == "text/csv"
    return pd.read_csv(io.StringIO(body))

def predict_fn(rows, model):
    if "boom" in rows.columns:
        raise ValueError("a boom column")
    if "die" in rows.columns:
        os._exit(3)
    print("predicting", len(rows))
    version = os.environ["TRIMTAB_MODEL_VERSION"]
    return rows[["prediction_id"]].assign(model_version=version, score=model)

def output_fn(answer, accept):
    return answer.to_csv(index=False), "text/csv"
"""
CAPTURE = {
    "EnableCapture": True,
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/captured/flights",
    "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
}
ROWS = b"prediction_id,time,distance\n1,2013-01-01T00:00:00Z,100\n2,2013-01-01T00:00:00Z,200\n"


def put_models(cloud: LocalCloud) -> None:
    """Put a good model, one that does not load and one that is no model into a bucket."""
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    good = {"model.txt": "0.5", "code/inference.py": INFERENCE}
    broken = {"code/inference.py": "def model_fn(folder):\n    raise RuntimeError('cannot load')\n"}
    for name, files in (("good", good), ("broken", broken), ("hostile", {"../evil": "x"})):
        s3.put_object(Bucket=BUCKET, Key=f"{name}.tar.gz", Body=packed(files))


def configure(cloud: LocalCloud, name: str, archive: str = "good", version: str = "1", **more: Any) -> str:
    """Make a model and an endpoint configuration of one name."""
    sagemaker = cloud.client("sagemaker")
    sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn="arn:aws:iam::123456789012:role/serving",
        PrimaryContainer={
            "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/sklearn:1",
            "ModelDataUrl": f"s3://{BUCKET}/{archive}.tar.gz",
            "Environment": {"SAGEMAKER_PROGRAM": "inference.py", "TRIMTAB_MODEL_VERSION": version},
        },
    )
    variant = {
        "VariantName": "AllTraffic",
        "ModelName": name,
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": 1.0,
    }
    settings = {"DataCaptureConfig": CAPTURE, **more}
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], **settings)
    return name


def invoke(cloud: LocalCloud, endpoint: str, body: bytes = ROWS, **more: Any) -> dict[str, Any]:
    """Invoke an endpoint and return its answer with the body read."""
    answer: dict[str, Any] = cloud.client("sagemaker-runtime").invoke_endpoint(
        **{"EndpointName": endpoint, "Body": body, "ContentType": "text/csv", "Accept": "text/csv", **more}
    )
    return {**answer, "Body": answer["Body"].read()}
