"""A small project in moto's AWS: its data, its finished training jobs, its machines' executions."""

import gzip
import io
import json
import tarfile
from dataclasses import dataclass
from typing import Any, ClassVar

import pyarrow as pa
from botocore.session import get_session
from botocore.validate import validate_parameters
from pyarrow import parquet

from lambdas.plan_training.handler import Planner
from lambdas.plan_training.order import Code
from trimtab.aws.clients import client
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings
from trimtab.aws.table import Item, Table
from trimtab.canonical import canonical_json, digest, sha256_hex
from trimtab.model.run import Run
from trimtab.project import Project
from trimtab.training.archive import model_sha256

SETTINGS = FunctionSettings(
    environment="dev",
    project="shop",
    data_bucket="trimtab-dev-data-123456789012-us-east-1",
    model_bucket="trimtab-dev-models-123456789012-us-east-1",
    table="trimtab-dev",
)
GROUP = "trimtab-dev-shop"
CODE_BUCKET = "assets"
CODE = Code(bucket=CODE_BUCKET, key="code.gz", sha256=sha256_hex(b"the code"))
VARIABLES = {
    "AWS_REGION": "us-east-1",
    "IMAGE_URI": "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3",
    "KEY_ARN": "arn:aws:kms:us-east-1:123456789012:key/00000000-0000-0000-0000-000000000000",
    "ENDPOINT": "on",
    "ENDPOINT_INSTANCE_TYPE": "ml.m5.large",
    "ENDPOINT_INSTANCE_COUNT": "1",
}
INTERVAL = {"low": 0.01, "high": 0.03, "confidence": 0.8, "share_positive": 0.95, "blocks": 6}


def shop(**train: Any) -> Project:
    """Return the project with other training settings."""
    return Project.model_validate(
        {
            "name": "shop",
            "data": {"timestamp": "ordered_at", "label": "returned"},
            "features": {"numeric": ["price"], "categorical": ["country"]},
            "train": {"minimum_days": 28, **train},
        }
    )


@dataclass(frozen=True)
class World:
    """What the tests arrange and look at."""

    project: Project
    table: ClassVar[Table] = Table(SETTINGS.table)
    data: ClassVar[Bucket] = Bucket(SETTINGS.data_bucket)
    models: ClassVar[Bucket] = Bucket(SETTINGS.model_bucket)

    def with_train(self, **train: Any) -> "World":
        """Return the same world with other training settings."""
        return World(shop(**train))

    # -- data

    def commit(self, name: str, first: str, last: str, **changes: Any) -> str:
        """Commit a labelled dataset version of one object."""
        sink = pa.BufferOutputStream()
        parquet.write_table(
            pa.table(
                {
                    "prediction_id": [f"{name}-1", f"{name}-2"],
                    "ordered_at": pa.array([0, 1], pa.timestamp("ns", tz="UTC")),
                    "price": [9.5, None],
                    "country": ["de", None],
                    "returned": [0, 1],
                }
            ),
            sink,
        )
        content = sink.getvalue().to_pybytes()
        sha256, version = sha256_hex(content), digest({"dataset": name})
        files = [
            {"path": f"data/{name}.csv/00000.parquet", "sha256": sha256, "size": len(content), "rows": 2}
        ]
        self.data.put(f"objects/{sha256}.parquet", content)
        key = f"datasets/shop/{version}.json"
        self.data.put_json(key, {"id": version, "files": files})
        item = {
            "kind": "upload",
            "rows": 2,
            "event_from": first,
            "event_to": last,
            "committed_at": last,
            "manifest_key": key,
            "labelled": True,
        }
        self.table.put({"pk": "DATASET#shop", "sk": version, **item, **changes})
        return version

    def two_months(self) -> None:
        """Commit January and February."""
        self.commit("january", "2013-01-01T05:00:00Z", "2013-01-31T22:00:00Z")
        self.commit("february", "2013-02-01T05:00:00Z", "2013-02-28T22:00:00Z")

    # -- machines

    def execution(self, machine: str, name: str) -> str:
        """Start an execution, which runs until it is stopped, and return its ARN."""
        arn = f"arn:aws:states:us-east-1:123456789012:stateMachine:trimtab-dev-shop-{machine}"
        states = client("stepfunctions")
        return str(states.start_execution(stateMachineArn=arn, name=name, input="{}")["executionArn"])

    def run(self, machine: str, name: str, time: str, **values: Any) -> Run:
        """Return a run that is under way."""
        document = {"project": "shop", "environment": "dev", "time": time, **values}
        return Run(machine=machine, execution_arn=self.execution(machine, name), input=document)

    def asks(self, reason: str, time: str, name: str | None = None) -> Run:
        """Return a run that asks for training."""
        unique = name or f"{reason}-{time}".replace(":", "")
        return self.run("train", unique, time, reason=reason, cause=f"{reason} of the test", at=time)

    def plan(self, run: Run) -> dict[str, Any]:
        """Plan a training run."""
        planner = Planner(settings=SETTINGS, project=self.project, run=run, code=CODE)
        return as_sent(planner.answer())

    def pending(self) -> Item | None:
        """Return the pending request."""
        return self.table.get("PENDING#shop", "train")

    def lock(self) -> Item | None:
        """Return the training lock."""
        return self.table.get("LOCK#shop", "train")

    def runs(self, machine: str) -> list[Item]:
        """Return the records of a machine's runs."""
        return list(self.table.query("RUN#shop", f"{machine}#"))

    # -- models

    def finish(self, plan: dict[str, Any], *, content: bytes = b"a model", **changes: Any) -> dict[str, Any]:
        """Leave the archives of a finished job, and return what SageMaker says about it."""
        members = {"model.joblib": content, "code/inference.py": b"pass"}
        files = {name: sha256_hex(body) for name, body in members.items()}
        manifest = {
            "files": files,
            "model_sha256": model_sha256(files),
            "training_set": plan["training_set"],
            "code_sha256": plan["code_sha256"],
            "parameters": {"depth": 3},
            "seed": 0,
            "threads": 2,
            "environment": {"python": "3.12"},
        }
        champion = plan["champion"]
        evaluation = {
            "schema": 1,
            "metric": "auc",
            "challenger": {"auc": 0.71, "brier": 0.16, "skill": 0.1},
            "champion": {"version": champion["version"], "auc": 0.69} if champion else None,
            "over_champion": {"mean": 0.02, **INTERVAL} if champion else None,
            "over_baseline": {"mean": 0.21, **INTERVAL},
            **changes,
        }
        name = f"{plan['job']}-0"
        home = f"runs/shop/{plan['job']}/output/{name}/output"
        written = canonical_json(manifest)
        self.models.put(f"{home}/model.tar.gz", packed({**members, "manifest.json": written}))
        output = {"evaluation.json": canonical_json(evaluation), "baseline.bin": b"a baseline"}
        self.models.put(f"{home}/output.tar.gz", packed({**output, "manifest.json": written}))
        return {
            "TrainingJobName": name,
            "ModelArtifacts": {"S3ModelArtifacts": self.models.uri(f"{home}/model.tar.gz")},
            "TrainingTimeInSeconds": 7,
        }

    def model(self, version: int) -> Item:
        """Return the record of a version."""
        item = self.table.get("MODEL#shop", f"{version:06d}")
        assert item is not None
        return item

    def champion(self) -> Item:
        """Return the champion's pointer."""
        item = self.table.get("CHAMPION#shop", "current")
        assert item is not None
        return item

    def approval(self, version: int) -> str:
        """Return a version's approval status in the registry."""
        arn = self.model(version)["package_arn"]
        answer = client("sagemaker").describe_model_package(ModelPackageName=arn)
        return str(answer["ModelApprovalStatus"])


def as_sent(value: dict[str, Any]) -> dict[str, Any]:
    """Return a value as the state machine hands it on."""
    sent: dict[str, Any] = json.loads(json.dumps(value))
    return sent


def check_request(operation: str, request: dict[str, Any]) -> None:
    """Raise unless SageMaker's own model of the operation accepts the request."""
    shape = get_session().get_service_model("sagemaker").operation_model(operation).input_shape
    assert shape is not None
    validate_parameters(request, shape)


def packed(members: dict[str, bytes]) -> bytes:
    """Pack members as a tar.gz."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, body in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(body)
            archive.addfile(info, io.BytesIO(body))
    return gzip.compress(buffer.getvalue())


def create_world() -> World:
    """Make buckets, table, registry group and machines, and put the project's grid and code there."""
    for bucket in (SETTINGS.data_bucket, SETTINGS.model_bucket, CODE_BUCKET):
        client("s3").create_bucket(Bucket=bucket)
    client("dynamodb").create_table(
        TableName=SETTINGS.table,
        KeySchema=[
            {"AttributeName": "pk", "KeyType": "HASH"},
            {"AttributeName": "sk", "KeyType": "RANGE"},
        ],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )
    client("sagemaker").create_model_package_group(ModelPackageGroupName=GROUP)
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    for machine in ("train", "deploy"):
        client("stepfunctions").create_state_machine(
            name=f"trimtab-dev-shop-{machine}",
            definition=definition,
            roleArn="arn:aws:iam::123456789012:role/machine",
        )
    world = World(shop())
    world.data.put_json("grids/shop.json", {"id": "grid"})
    Bucket(CODE_BUCKET).put(CODE.key, b"the code")
    return world
