"""What the step cache keeps, and why a training now would or would not use it, as the commands show it."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from trimtab import names
from trimtab.aws import step_cache
from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.aws.training_inputs import read_champion, read_grid, read_training_data
from trimtab.cache import Entry, compare, is_fresh, key_of, nearest
from trimtab.cli.output import show
from trimtab.cli.runs import not_deployed
from trimtab.cli.session import Session
from trimtab.errors import BadInput, Gone
from trimtab.instants import parse_time
from trimtab.model import training_set
from trimtab.model.training_job import STAGE, job_document, step_parts
from trimtab.project import Project

SHOWN_DIGITS = 12


def show_entries(session: Session, project: str, *, as_json: bool) -> None:
    """Show what the step cache keeps, newest first."""
    name = session.project(project).name
    rows = [
        {
            "stage": entry.stage,
            "key": entry.key,
            "made_at": entry.made_at,
            "job": entry.job,
            "outputs": len(entry.outputs),
            "usable": step_cache.objection(session.models, entry) or "yes",
        }
        for entry in step_cache.entries(session.table, name)
    ]
    rows.sort(key=lambda row: str(row["made_at"]), reverse=True)
    shown = rows if as_json else [{**row, "key": str(row["key"])[:SHOWN_DIGITS]} for row in rows]
    show(shown, as_json=as_json, title=f"step cache of {project}")


def show_explanation(
    session: Session, project: str, *, of: str | None, job: str | None, at: str | None, as_json: bool
) -> None:
    """Show each part of the key that a training now would have, and what changed since the nearest job."""
    settings = session.project(project)
    parts = _parts_now(session, settings, of)
    known = list(step_cache.entries(session.table, settings.name, STAGE))
    if job is not None:
        known = [entry for entry in known if entry.job == job]
        if not known:
            raise BadInput(
                f"the step cache of {project} has no job {job!r}; see: trimtab cache list {project}"
            )
    entry = nearest(parts, known)
    rows = compare(parts, entry.parts if entry else None)
    now = parse_time(at) if at else datetime.now(UTC)
    facts = {
        "key": key_of(parts),
        "job": entry.job if entry else None,
        "made_at": entry.made_at if entry else None,
    }
    facts["answer"] = _answer(session, settings, rows, entry, now)
    if as_json:
        show({**facts, "parts": rows}, as_json=True, title="")
        return
    show(
        [_shortened(row) for row in rows],
        as_json=False,
        title=f"a training of {project} now, and the nearest",
    )
    show(facts, as_json=False, title="")


def _parts_now(session: Session, project: Project, training_set_id: str | None) -> dict[str, Any]:
    """Put together what the deployed train machine would: its code and image, this checkout's settings."""
    deployed = _planning_variables(session, project.name)
    return step_parts(
        job_document(
            project,
            training_set=_training_set(session, project, training_set_id),
            grid=read_grid(session.data, project.name),
            code_sha256=deployed["CODE_SHA256"],
            champion=read_champion(session.table, project.name),
        ),
        image=deployed["IMAGE_URI"],
        instance_type=project.train.instance_type,
    )


def _training_set(session: Session, project: Project, wanted: str | None) -> Mapping[str, Any]:
    if wanted is None:
        share = project.train.holdout_share
        found = read_training_data(session.table, session.data, project.name, share).training_set
        if found is None:
            raise BadInput(f"{project.name} has no labelled data of two days; upload some")
        return found
    try:
        document: dict[str, Any] = session.data.get_json(training_set.key(project.name, wanted))
    except Gone as error:
        raise BadInput(
            f"{project.name} has no training set {wanted!r}; see them with: trimtab models {project.name}"
        ) from error
    return document


def _planning_variables(session: Session, project: str) -> dict[str, str]:
    function = names.function(session.environment.name, project, "plan_training")
    try:
        with translated(f"look at {function}"):
            answer = client("lambda").get_function_configuration(FunctionName=function)
    except Gone as error:
        raise not_deployed(session, project) from error
    return dict(answer["Environment"]["Variables"])


def _answer(
    session: Session, project: Project, rows: list[dict[str, Any]], entry: Entry | None, now: datetime
) -> str:
    """Say whether a training now would use the entry, and if not, why."""
    changed = [row["part"] for row in rows if row["changed"]]
    days = project.train.cache_max_age_days
    if entry is None:
        return "trains: nothing is kept yet"
    if changed:
        return f"trains: changed {', '.join(changed)}"
    if not days:
        return "trains: train.cache_max_age_days is 0"
    if not is_fresh(entry, now, timedelta(days=days)):
        return f"trains: older than train.cache_max_age_days, {days:g}"
    refusal = step_cache.objection(session.models, entry)
    return f"trains: {refusal}" if refusal else f"reuses the outputs of job {entry.job}"


def _shortened(row: dict[str, Any]) -> dict[str, str]:
    """Fit a part on a line: long digests by their first digits, the whole of them with --json."""
    return {
        "part": row["part"],
        "now": _short(row["now"]),
        "stored": _short(row["stored"]),
        "changed": "changed" if row["changed"] else "",
    }


def _short(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    is_digest = len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
    return text[:SHOWN_DIGITS] if is_digest else text
