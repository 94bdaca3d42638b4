"""A project's features.py, run by training, by the endpoint and by batch scoring, makes the same of a row.

All three run for real, each in its own process and from its own copy of the code. The projects are those of
the checkout, but for a witness: it writes down what features.py makes of each row, and the score.
"""

import io
import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from assets.archive import tar_gz
from assets.sourcedir import sourcedir_files
from demo.data import upload_csv
from localcloud import LocalCloud
from trimtab.canonical import canonical_json
from trimtab.cli.init import create_project
from trimtab.model.deployment import container
from trimtab.model.transform_job import transform_request
from trimtab.project import Project, load_project
from trimtab.training.isolation import project_module
from trimtab.training.rehearsal import make_job
from trimtab.training.scoring import read_answer

BUCKET, ROLE = "one-transformation", "arn:aws:iam::123456789012:role/any"
IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.9-0-cpu-py3"
WITNESS = '''
import hashlib, json, os, pathlib, uuid

def rows_of(made):
    """Return each row to the last bit: an array's bytes, or a frame's values with their types."""
    if hasattr(made, "dtypes"):
        kinds = [(name, str(kind)) for name, kind in made.dtypes.items()]
        columns = [made[name].tolist() for name in made]
        return [repr((kinds, row)).encode() for row in zip(*columns)]
    return [str(made.dtype).encode() + row.tobytes() for row in made]

def write(kind, ids, made):
    name = f"{os.environ['WITNESS_WAY']}-{uuid.uuid4().hex}.json"
    seen = {"kind": kind, "way": os.environ["WITNESS_WAY"], "ids": list(ids), "made": made}
    pathlib.Path(os.environ["WITNESS_FOLDER"], name).write_text(json.dumps(seen))

def features(function, id_column):
    def watched(rows, *more):
        made = function(rows, *more)
        write("features", rows[id_column], [hashlib.sha256(row).hexdigest() for row in rows_of(made)])
        return made
    return watched

def scores(function, id_column):
    def watched(model, rows):
        made = function(model, rows)
        write("scores", rows[id_column], [float(score).hex() for score in made])
        return made
    return watched
'''


@dataclass(frozen=True)
class Way:
    """A project under test: where its witnessed copy lies, and its rows as a client has them."""

    root: Path
    project: Project
    rows: pd.DataFrame
    witness: Path

    @property
    def folder(self) -> Path:
        return self.root / "pipelines" / self.project.name

    def request(self, since: str) -> tuple[list[str], bytes]:
        """Return the labelled rows since an instant as a client would send them, and their ids."""
        data = self.project.data
        held = self.rows[(self.rows[data.timestamp] >= since) & (self.rows[data.label] != "")]
        text = held.drop(columns=data.label).to_csv(index=False)
        return held[data.prediction_id].tolist(), text.encode()

    def seen(self) -> dict[str, dict[str, dict[str, list[str]]]]:
        """Return what was made: by kind, by way, by prediction id."""
        found: dict[str, dict[str, dict[str, list[str]]]] = defaultdict(
            lambda: defaultdict(lambda: defaultdict(list))
        )
        for path in self.witness.glob("*.json"):
            one = json.loads(path.read_text())
            for name, made in zip(one["ids"], one["made"], strict=True):
                found[one["kind"]][one["way"]][name].append(made)
        return found


def witnessed(root: Path, name: str, function: str, rows: pd.DataFrame) -> Way:
    """Have the witness watch the project's own function and its predict."""
    folder = root / "pipelines" / name
    project = load_project(folder)
    (folder / "witness.py").write_text(WITNESS)
    for file, watched, kind in (("features.py", function, "features"), ("inference.py", "predict", "scores")):
        own = (folder / file).read_text()
        column = project.data.prediction_id
        (folder / file).write_text(
            f"{own}\n\nimport witness\n\n{watched} = witness.{kind}({watched}, {column!r})\n"
        )
    folder = root / "witness"
    folder.mkdir()
    return Way(root=root, project=project, rows=rows, witness=folder)


def flights(root: Path, checkout: Path) -> Way:
    folder = root / "pipelines" / "flights"
    folder.mkdir()
    for path in (checkout / "pipelines/flights").glob("*.*"):
        (folder / path.name).write_bytes(path.read_bytes())
    rows = pd.read_csv(io.BytesIO(upload_csv(1)), dtype=str, keep_default_na=False)
    days = rows["scheduled_departure"].str[:10]
    # Few rows train fast, and are of all carriers and destinations.
    return witnessed(root, "flights", "matrix", rows[days <= "2013-01-10"][::8])


def template(root: Path, checkout: Path) -> Way:
    del checkout
    folder = root / create_project(root, "offers")
    with project_module(folder / "tests", "sample") as sample:
        text = sample.sample(days=12).to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%SZ")
    rows = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False)
    return witnessed(root, "offers", "features", rows)


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    with LocalCloud(start=datetime(2013, 3, 1, tzinfo=UTC)) as running:
        running.client("s3").create_bucket(Bucket=BUCKET)
        yield running


@pytest.fixture(scope="module", params=[flights, template], ids=["flights", "template"])
def way(request: pytest.FixtureRequest, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Way:
    """Copy a project into a checkout of its own, with this one's library."""
    place = tmp_path_factory.mktemp("checkout")
    (place / "pipelines").mkdir()
    (place / "trimtab").symlink_to(root / "trimtab")
    made: Way = request.param(place, root)
    return made


def variables(way: Way, name: str) -> dict[str, str]:
    return {"WITNESS_WAY": name, "WITNESS_FOLDER": str(way.witness), "OMP_NUM_THREADS": "1"}


def train(cloud: LocalCloud, way: Way) -> tuple[str, str]:
    """Train on the rows as the contract returns them; return the hold-out's start and the model's address."""
    project, s3 = way.project, cloud.client("s3")
    home = f"{project.name}/training"
    uploaded = io.StringIO(way.rows.to_csv(index=False))
    blank = list(project.data.null_tokens)
    texts = pd.read_csv(uploaded, dtype=str, keep_default_na=False, na_values=blank)
    with project_module(way.folder, "contract") as module:
        rows = module.Contract.validate(texts, lazy=True)
    channel = way.root / "channel"
    channel.mkdir()
    job = make_job(project.model_dump(mode="json"), rows, channel)
    objects = {f"data/{path.name}": path.read_bytes() for path in channel.iterdir()}
    objects["config/job.json"] = canonical_json(job)
    objects["code/sourcedir.tar.gz"] = tar_gz(sourcedir_files(way.root, project.name))
    for key, body in objects.items():
        s3.put_object(Bucket=BUCKET, Key=f"{home}/{key}", Body=body)

    def source(name: str, folder: str) -> dict[str, Any]:
        place = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{home}/{folder}/"}
        return {"ChannelName": name, "DataSource": {"S3DataSource": place}}

    cloud.client("sagemaker").create_training_job(
        TrainingJobName=f"{project.name}-witnessed",
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"/opt/ml/input/data/code/sourcedir.tar.gz"',
        },
        InputDataConfig=[source("code", "code"), source("config", "config"), source("training", "data")],
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/{home}/output"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5},
        StoppingCondition={"MaxRuntimeInSeconds": 300},
        Environment=variables(way, "training"),
    )
    cloud.settle(300)
    described = cloud.client("sagemaker").describe_training_job(TrainingJobName=f"{project.name}-witnessed")
    assert described["TrainingJobStatus"] == "Completed", described.get("FailureReason")
    return job["training_set"]["holdout"]["from"], described["ModelArtifacts"]["S3ModelArtifacts"]


def serve(cloud: LocalCloud, way: Way, model: str, body: bytes) -> bytes:
    """Ask an endpoint, and make the model of the batch job beside its own."""
    name, sagemaker = way.project.name, cloud.client("sagemaker")
    for kind in ("endpoint", "batch"):
        serving = container(1, IMAGE, model, cloud.region)
        serving["Environment"] |= variables(way, kind)
        sagemaker.create_model(ModelName=f"{name}-{kind}", ExecutionRoleArn=ROLE, PrimaryContainer=serving)
    variant = {"VariantName": "A", "ModelName": f"{name}-endpoint", "InstanceType": "ml.m5.large"}
    sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[{**variant, "InitialInstanceCount": 1}]
    )
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    cloud.settle(120)
    answer = cloud.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, ContentType="text/csv", Accept="text/csv", Body=body
    )
    answered: bytes = answer["Body"].read()
    return answered


def transform(cloud: LocalCloud, way: Way, body: bytes) -> bytes:
    """Score the same rows as a file, by the product's own request."""
    name, s3 = way.project.name, cloud.client("s3")
    s3.put_object(Bucket=BUCKET, Key=f"{name}/batch/rows.csv", Body=body)
    request = transform_request(
        project=name,
        environment="dev",
        job=f"{name}-score",
        model=f"{name}-batch",
        source=f"s3://{BUCKET}/{name}/batch/",
        target=f"s3://{BUCKET}/{name}/scored",
        instance_type="ml.m5.large",
        key_arn=f"arn:aws:kms:{cloud.region}:{cloud.account}:alias/any",
    )
    cloud.client("sagemaker").create_transform_job(**request)
    cloud.settle(120)
    described = cloud.client("sagemaker").describe_transform_job(TransformJobName=f"{name}-score")
    assert described["TransformJobStatus"] == "Completed", described.get("FailureReason")
    scored: bytes = s3.get_object(Bucket=BUCKET, Key=f"{name}/scored/rows.csv.out")["Body"].read()
    return scored


def test_the_same_rows_give_the_same_features_and_scores_on_all_three_ways(
    cloud: LocalCloud, way: Way
) -> None:
    since, model = train(cloud, way)
    ids, body = way.request(since)
    assert len(ids) > 50
    answered = serve(cloud, way, model, body)
    assert transform(cloud, way, body) == answered
    seen = way.seen()
    for kind in ("features", "scores"):
        for name in ids:
            made = {one: tuple(seen[kind][one][name]) for one in ("training", "endpoint", "batch")}
            # Training makes them twice: of the stored rows, and of its own request to the stored model.
            assert {one: len(found) for one, found in made.items()} == {
                "training": 2,
                "endpoint": 1,
                "batch": 1,
            }
            assert len(set().union(*made.values())) == 1, (kind, name, made)
    _agrees(read_answer(answered), seen["scores"]["endpoint"])
    # Rows differ, so that equal digests say something.
    assert len({made[0] for made in seen["features"]["endpoint"].values()}) > 50


def _agrees(answers: Mapping[str, float], seen: Mapping[str, list[str]]) -> None:
    assert {name: [score.hex()] for name, score in answers.items()} == dict(seen)
