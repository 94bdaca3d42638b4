"""A small project for tests of the data slice: its folder, its files, and a cloud to put them into."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3

PROJECT = """
name = "shop"
[data]
timestamp = "at"
label = "late"
max_bad_share = 0.25
max_bytes = 100000
sensitive = ["email"]
[features]
numeric = ["weight", "amount"]
categorical = ["place"]
"""
CONTRACT = '''
import pandas as pd
import pandera.pandas as pa
from pandera.typing import Series


class Contract(pa.DataFrameModel):
    """One parcel."""

    prediction_id: Series[str] = pa.Field(unique=True)
    at: Series[pd.DatetimeTZDtype] = pa.Field(dtype_kwargs={"unit": "ns", "tz": "UTC"})
    place: Series[str] = pa.Field(isin=["Rome", "Nîmes"])
    weight: Series[float] = pa.Field(ge=0, le=100, nullable=True)
    amount: Series[int] = pa.Field(ge=1)
    email: Series[str] = pa.Field(str_contains="@", nullable=True)
    late: Series[pd.Int64Dtype] | None = pa.Field(isin=[0, 1], nullable=True)
'''
HEADER = "prediction_id,at,place,weight,amount,email,late"
ACCOUNT, REGION = "123456789012", "us-east-1"
DATA, MODELS, TABLE = "trimtab-dev-data-test", "trimtab-dev-models-test", "trimtab-dev"
TIME = "2013-02-01T06:00:00Z"


def row(number: int, **changes: str) -> str:
    """Return one good row, with `changes` to its cells."""
    cells = {
        "prediction_id": f"p{number}",
        "at": f"2013-01-{number % 28 + 1:02d}T05:00:00Z",
        "place": "Rome" if number % 2 else "Nîmes",
        "weight": str(number / 4),
        "amount": "2",
        "email": "someone@example.org",
        "late": str(number % 2),
    }
    return ",".join((cells | changes).values())


def upload(rows: Iterable[str], header: str = HEADER) -> bytes:
    """Return rows as a file."""
    return "".join(f"{line}\n" for line in (header, *rows)).encode()


def good(count: int = 20) -> bytes:
    """Return a file of good rows."""
    return upload(row(number) for number in range(count))


def lines(data: bytes) -> list[dict[str, Any]]:
    """Read JSON Lines."""
    return [json.loads(line) for line in data.splitlines()]


def captured_line(rows: Iterable[str], when: str, version: str = "3", score: float = 0.25) -> bytes:
    """Return one captured line of requests (rows without their label) and their answers."""
    kept = [line.rpartition(",")[0] for line in rows]
    answers = [f"{line.partition(',')[0]},{version},{score}" for line in kept]
    halves = {
        "endpointInput": [HEADER.rpartition(",")[0], *kept],
        "endpointOutput": ["prediction_id,model_version,score", *answers],
    }
    document: dict[str, Any] = {
        "captureData": {
            name: {"observedContentType": "text/csv", "encoding": "CSV", "data": "\n".join(lines) + "\n"}
            for name, lines in halves.items()
        },
        "eventMetadata": {"eventId": when, "inferenceTime": when},
        "eventVersion": "0",
    }
    return json.dumps(document).encode() + b"\n"


def make_folder(root: Path, contract: str = CONTRACT, project: str = PROJECT) -> Path:
    """Write the project's folder under `root`."""
    folder = root / "pipelines" / "shop"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "contract.py").write_text(contract, encoding="utf-8")
    (folder / "project.toml").write_text(project, encoding="utf-8")
    return folder


@dataclass(frozen=True, slots=True)
class Invocation:
    """What Lambda gives a handler as its second argument, as far as handlers ask."""

    remaining_ms: int = 900_000

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left."""
        return self.remaining_ms


@dataclass(frozen=True, slots=True)
class Cloud:
    """Buckets and table in moto, as the stacks make them."""

    s3: Any
    dynamodb: Any

    @classmethod
    def make(cls) -> "Cloud":
        """Create the buckets, versioned, and the table."""
        s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
        for name in (DATA, MODELS):
            s3.create_bucket(Bucket=name)
            s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        return cls(s3, dynamodb)

    def put(self, name: str, body: bytes, folder: str = "data") -> dict[str, str]:
        """Upload a file; return the event that the machine would pass on."""
        key = f"landing/shop/{folder}/{name}"
        version = self.s3.put_object(Bucket=DATA, Key=key, Body=body)["VersionId"]
        return {"bucket": DATA, "key": key, "version_id": version, "time": TIME}

    def keys(self, prefix: str) -> list[str]:
        """List the keys under a prefix."""
        return [
            entry["Key"] for entry in self.s3.list_objects_v2(Bucket=DATA, Prefix=prefix).get("Contents", [])
        ]

    def read(self, key: str) -> bytes:
        """Read an object."""
        body: bytes = self.s3.get_object(Bucket=DATA, Key=key)["Body"].read()
        return body

    def quarantine(self, answer: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """Read the report and the rows that an answer points to."""
        key = answer["report_key"]
        rows = key.replace("report.json", "rows.jsonl")
        lines = self.read(rows).splitlines() if rows in self.keys(rows) else []
        return json.loads(self.read(key)), [json.loads(line) for line in lines]


VARIABLES = {
    "TRIMTAB_ENVIRONMENT": "dev",
    "TRIMTAB_PROJECT": "shop",
    "TRIMTAB_DATA_BUCKET": DATA,
    "TRIMTAB_MODEL_BUCKET": MODELS,
    "TRIMTAB_TABLE": TABLE,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
}
CONTEXT = SimpleNamespace(
    invoked_function_arn=f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:trimtab-dev-shop-start-run"
)
