"""What the table knows when a request to train is judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table
from trimtab.aws.training_inputs import read_champion, read_training_data
from trimtab.instants import parse_time
from trimtab.model.training_job import Champion, recipe_id
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
    models = list(table.query(f"MODEL#{project.name}"))
    champion = read_champion(table, project.name)
    known = read_training_data(table, data, project.name, project.train.holdout_share)
    document = known.training_set
    recipe = recipe_id(document["id"] if document else "", code_sha256, project)
    situation = Situation(
        now=now,
        labelled_days=known.days,
        has_model=any(item["status"] != "rejected" for item in models),
        tried=any(item.get("recipe") == recipe for item in models),
        comparable=_is_comparable(champion, document),
        jobs=tuple(
            parse_time(item["sk"].split("#")[1]) for item in table.query(f"RUN#{project.name}", "job#")
        ),
    )
    return Facts(situation=situation, champion=champion, training_set=document, recipe=recipe)


def _is_comparable(champion: Champion | None, document: Mapping[str, Any] | None) -> bool:
    if champion is None or document is None:
        return True
    return parse_time(document["holdout"]["from"]) >= parse_time(champion.trained_until)
