"""What a training now would be made of: labelled dataset versions, the champion, the grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table
from trimtab.errors import BadInput, Gone
from trimtab.instants import parse_time
from trimtab.model.training_job import Champion
from trimtab.model.training_set import labelled_days, split, training_set


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """The labelled days there are; without two of them there is no training set."""

    days: int
    training_set: Mapping[str, Any] | None


def read_training_data(table: Table, data: Bucket, project: str, holdout_share: float) -> TrainingData:
    """Put together the training set of all labelled dataset versions that stand."""
    datasets = [
        item
        for item in table.query(f"DATASET#{project}")
        if item.get("labelled") and not item.get("superseded_by")
    ]
    if not datasets:
        return TrainingData(days=0, training_set=None)
    first = min(parse_time(item["event_from"]) for item in datasets)
    last = max(parse_time(item["event_to"]) for item in datasets)
    days = labelled_days(first, last)
    if days < 2:
        return TrainingData(days=days, training_set=None)
    files = [(item["sk"], data.get_json(item["manifest_key"])["files"]) for item in datasets]
    return TrainingData(days=days, training_set=training_set(files, split(first, last, holdout_share)))


def read_champion(table: Table, project: str) -> Champion | None:
    """Return the champion, or None while there is none."""
    pointer = table.get(f"CHAMPION#{project}", "current")
    if pointer is None:
        return None
    model = table.get(f"MODEL#{project}", f"{pointer['version']:06d}")
    if model is None:
        raise LookupError(f"the champion of {project} is version {pointer['version']}, which has no record")
    return Champion(
        version=pointer["version"],
        model_sha256=pointer["model_sha256"],
        trained_until=model["trained_until"],
        artifact=model["artifact"],
    )


def read_grid(data: Bucket, project: str) -> dict[str, Any]:
    """Return the project's grid; raise BadInput before there is one."""
    try:
        grid: dict[str, Any] = data.get_json(f"grids/{project}.json")
    except Gone as error:
        raise BadInput(
            f"{project} has no grid, which its first accepted upload writes; upload data again"
        ) from error
    return grid
