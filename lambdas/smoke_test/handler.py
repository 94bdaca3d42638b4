"""Ask a new endpoint about a few known rows before its model becomes champion."""

import io
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.objects import Bucket
from trimtab.aws.settings import FunctionSettings, function_settings, project_folder
from trimtab.model import probe, training_set
from trimtab.project import Project, load_project

ROWS = 5
CSV = "text/csv"


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer with the number of rows that were scored; raise BadInput when an answer is not as promised."""
    return {"rows": smoke_test(function_settings(), load_project(project_folder()), event["plan"])}


def smoke_test(settings: FunctionSettings, project: Project, plan: dict[str, Any]) -> int:
    """Send probes to the planned endpoint and check what comes back."""
    data = project.data
    columns = [data.prediction_id, data.timestamp, *project.features.numeric, *project.features.categorical]
    rows = probe.probe_rows(
        _known_rows(Bucket(settings.data_bucket), project.name, plan["training_set"], columns),
        data.prediction_id,
    )
    with translated(f"ask {plan['endpoint']}"):
        answer = client("sagemaker-runtime").invoke_endpoint(
            EndpointName=plan["endpoint"],
            ContentType=CSV,
            Accept=CSV,
            Body=probe.request_body(rows, columns),
        )
    ids = [row[data.prediction_id] for row in rows]
    probe.check_answer(answer["Body"].read(), ids, plan["version"])
    return len(rows)


def _known_rows(data: Bucket, project: str, training_set_id: str, columns: list[str]) -> list[dict[str, Any]]:
    document = data.get_json(training_set.key(project, training_set_id))
    digest = document["datasets"][0]["files"][0]["sha256"]
    file = parquet.ParquetFile(io.BytesIO(data.get(f"objects/{digest}.parquet")))
    head = next(file.iter_batches(batch_size=ROWS, columns=columns))
    table = pa.Table.from_batches([head]).select(columns)
    for position, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            rounded = table.column(position).cast(pa.timestamp("us", tz="UTC"), safe=False)
            table = table.set_column(position, field.name, rounded)
    return table.to_pylist()
