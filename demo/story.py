"""Tell what happened: read the table and the registry, never the script of the play."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute

from demo import data
from demo.play import ENVIRONMENT, PROJECT, Played
from localcloud import LocalCloud
from trimtab import names
from trimtab.aws.lineage import origins
from trimtab.aws.table import Table
from trimtab.instants import format_time
from trimtab.performance import roc_auc

pc: Any = pyarrow.compute


def tell(cloud: LocalCloud, played: Played, frozen_scores: pa.Table) -> dict[str, Any]:
    """Return the year's summary, but for rollback and seconds."""
    table = Table(names.table(ENVIRONMENT))
    models = list(table.query(f"MODEL#{PROJECT}"))
    scored = _with_truth(played).join(frozen_scores, "prediction_id", join_type="left outer")
    scored = scored.sort_by("prediction_id")
    windows = {item["sk"]: item for item in table.query(f"WINDOW#{PROJECT}")}
    uploads = [_upload(item) for item in table.query(f"UPLOAD#{PROJECT}")]
    events = _events(cloud, table)
    months = [
        _month(month, scored, windows.get(month, {}), uploads, events.get(month, []))
        for month in sorted(set(scored["month"].to_pylist()))
    ]
    champion = table.get(f"CHAMPION#{PROJECT}", "current") or {}
    return {
        "project": PROJECT,
        "months": months,
        "uploads": uploads,
        "versions": [_version(item) for item in models],
        "policy": _policy(table, models),
        "lineage": origins(table, f"model:{PROJECT}@{champion['version']}") if champion else None,
        "auc": {
            "champion": _auc(scored["late"], scored["score"]),
            "version_1": _auc(scored["late"], scored["frozen"]),
        },
    }


def _with_truth(played: Played) -> Any:
    """Join every answer with what came true; the demo knows, the stack waits for its labels."""
    answers = pa.concat_tables(
        part.append_column("month", pa.array([f"{day:%Y-%m}"] * part.num_rows))
        for day, part in played.answers
    )
    truth = data.load_year().select(["prediction_id", "late"])
    return answers.join(truth, "prediction_id", join_type="left outer")


def _auc(labels: Any, scores: Any) -> float | None:
    known = pc.and_(pc.is_valid(labels), pc.is_valid(scores))
    late = np.asarray(labels.filter(known).to_pylist(), dtype=np.int8)
    score = np.asarray(scores.filter(known).to_pylist(), dtype=np.float64)
    if late.size == 0 or late.min() == late.max():
        return None
    area = roc_auc(late, score)
    return None if area is None else round(area, 4)


def _month(
    month: str,
    scored: Any,
    window: dict[str, Any],
    uploads: list[dict[str, Any]],
    events: list[str],
) -> dict[str, Any]:
    rows = pc.equal(scored["month"], month)
    of_month = scored.filter(rows)
    versions = sorted(set(of_month["model_version"].to_pylist()))
    labels = of_month["late"].drop_null().to_pylist()
    performance = window.get("performance") or {}
    return {
        "month": month,
        "rows": of_month.num_rows,
        "quarantined": sum(item["quarantined"] for item in uploads if item["month"] == month),
        "drift": window.get("verdict", "undetermined"),
        "drift_weight": window.get("drift_weight"),
        "features": [entry["name"] for entry in _features(window)],
        "champion_version": versions[-1],
        "champion_versions": versions,
        "auc_champion": _auc(of_month["late"], of_month["score"]),
        "auc_version_1": _auc(of_month["late"], of_month["frozen"]),
        "late_share": round(sum(labels) / len(labels), 4) if labels else None,
        "brier": performance.get("brier"),
        "skill": performance.get("skill"),
        "events": events,
    }


def _features(window: dict[str, Any]) -> list[dict[str, Any]]:
    features = window.get("features") or []
    return json.loads(features) if isinstance(features, str) else features


def _upload(item: dict[str, Any]) -> dict[str, Any]:
    file = item["sk"].split("#")[0].rsplit("/", 1)[-1]
    return {
        "file": file,
        "month": file.removesuffix(".csv")[-7:] if item["verdict"] != "refused" else None,
        "verdict": item["verdict"],
        "rows": item.get("rows", 0),
        "quarantined": item.get("quarantined", 0),
        "reason": item.get("reason") or "",
        "dataset": item.get("dataset_id"),
    }


def _version(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": item["version"],
        "dataset": item["training_set"],
        "model_sha256": item["model_sha256"],
        "metrics": item["metrics"],
        "status": item["status"],
        "reason": item["reason"],
        "requested_by": sorted({request["reason"] for request in item["requests"]}),
    }


def _policy(table: Table, models: list[dict[str, Any]]) -> dict[str, int]:
    promoted = {
        int(item["to"]) for item in table.query(f"PROMOTION#{PROJECT}") if item["action"] == "promote"
    }
    return {
        "tries": len(models),
        "promoted": len(promoted),
        "rejected": sum(1 for item in models if int(item["version"]) not in promoted),
    }


def _events(cloud: LocalCloud, table: Table) -> dict[str, list[str]]:
    """Collect what happened, by month, from the records that the stack itself keeps."""
    found: list[tuple[str, str]] = []
    found += [
        (
            item["time"],
            f"version {item['to']} {'put back' if item['action'] == 'rollback' else 'became champion'}",
        )
        for item in table.query(f"PROMOTION#{PROJECT}")
    ]
    found += [
        (item["time"], f"version {json.loads(item['details'])['version']} {item['outcome'].split(', ')[1]}")
        for item in table.query(f"RUN#{PROJECT}", "train#")
        if item["outcome"] in ("registered, rejected", "registered, pending")
    ]
    found += [
        (item["time"], f"{item['sk'].split('#')[0].rsplit('/', 1)[-1]} refused")
        for item in table.query(f"UPLOAD#{PROJECT}")
        if item["verdict"] == "refused"
    ]
    found += _alarms(cloud)
    by_month: dict[str, list[str]] = defaultdict(list)
    for time, text in sorted(found):
        by_month[time[:7]].append(f"{date.fromisoformat(time[:10]):%d %b}: {text}")
    return by_month


def _alarms(cloud: LocalCloud) -> Iterable[tuple[str, str]]:
    prefix = names.alarm(ENVIRONMENT, PROJECT, "")
    history = cloud.client("cloudwatch").get_paginator("describe_alarm_history")
    for page in history.paginate(HistoryItemType="StateUpdate"):
        for item in page["AlarmHistoryItems"]:
            state = json.loads(item["HistoryData"])["newState"]["stateValue"]
            if item["AlarmName"].startswith(prefix) and state == "ALARM":
                yield (
                    format_time(item["Timestamp"]),
                    f"alarm {item['AlarmName'].removeprefix(prefix)}",
                )
