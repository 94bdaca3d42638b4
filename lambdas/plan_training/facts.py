"""What the table knows when a request to train is judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trimtab.aws.objects import Bucket
from trimtab.aws.table import Item, Table
from trimtab.instants import parse_time
from trimtab.model.training_job import Champion, recipe_id
from trimtab.model.training_set import labelled_days, split, training_set
from trimtab.project import Project
from trimtab.signals import Policy, Situation


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The situation, and what a job would be made of; without two days of labels there is no training set."""

    situation: Situation
    champion: Champion | None
    training_set: Mapping[str, Any] | None
    recipe: str


def policy_of(project: Project) -> Policy:
    """Return the project's policy."""
    train = project.train
    return Policy(
        on=frozenset(train.on),
        minimum_days=train.minimum_days,
        cooldown=timedelta(days=train.cooldown_days),
        jobs_per_30_days=train.jobs_per_30_days,
    )


def read_facts(table: Table, data: Bucket, project: Project, *, code_sha256: str, now: datetime) -> Facts:
    """Read data, models, champion and past jobs of a project."""
    datasets = [
        item
        for item in table.query(f"DATASET#{project.name}")
        if item.get("labelled") and not item.get("superseded_by")
    ]
    models = list(table.query(f"MODEL#{project.name}"))
    champion = read_champion(table, project.name)
    days, document = _training_set(datasets, data, project.train.holdout_share)
    recipe = recipe_id(document["id"] if document else "", code_sha256, project)
    situation = Situation(
        now=now,
        labelled_days=days,
        has_model=any(item["status"] != "rejected" for item in models),
        tried=any(item.get("recipe") == recipe for item in models),
        comparable=_is_comparable(champion, document),
        jobs=tuple(
            parse_time(item["sk"].split("#")[1]) for item in table.query(f"RUN#{project.name}", "job#")
        ),
    )
    return Facts(situation=situation, champion=champion, training_set=document, recipe=recipe)


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


def _training_set(
    datasets: list[Item], data: Bucket, holdout_share: float
) -> tuple[int, dict[str, Any] | None]:
    if not datasets:
        return 0, None
    first = min(parse_time(item["event_from"]) for item in datasets)
    last = max(parse_time(item["event_to"]) for item in datasets)
    days = labelled_days(first, last)
    if days < 2:
        return days, None
    parts = split(first, last, holdout_share)
    files = [(item["sk"], data.get_json(item["manifest_key"])["files"]) for item in datasets]
    return days, training_set(files, parts)


def _is_comparable(champion: Champion | None, document: Mapping[str, Any] | None) -> bool:
    if champion is None or document is None:
        return True
    return parse_time(document["holdout"]["from"]) >= parse_time(champion.trained_until)
