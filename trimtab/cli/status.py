"""What a project looks like now."""

from typing import Any

from trimtab import names
from trimtab.aws.clients import client
from trimtab.aws.faults import translated
from trimtab.cli.runs import recent
from trimtab.cli.session import Session


def project_status(session: Session, project: str) -> dict[str, Any]:
    """Collect champion, data, last window, pending request and alarms of a project."""
    table = session.table
    champion = table.get(f"CHAMPION#{project}", "current") or {}
    datasets = [item for item in table.query(f"DATASET#{project}") if not item.get("superseded_by")]
    windows = list(table.query(f"WINDOW#{project}"))
    pending = table.get(f"PENDING#{project}", "train") or {}
    last = windows[-1] if windows else {}
    return {
        "champion": champion.get("version"),
        "since": champion.get("since"),
        "endpoint": champion.get("endpoint"),
        "dataset_versions": len(datasets),
        "rows": sum(item["rows"] for item in datasets),
        "data_until": max((item["event_to"] for item in datasets if item.get("event_to")), default=None),
        "last_window": last.get("sk"),
        "verdict": last.get("verdict"),
        "pending_training": pending.get("reasons"),
        "waiting_for": pending.get("waiting_for"),
        "alarms": alarm_states(session, project),
    }


def alarm_states(session: Session, project: str) -> dict[str, str]:
    """Return the state of each of the project's alarms by signal."""
    prefix = names.alarm(session.environment.name, project, "")
    with translated("look at the alarms"):
        alarms = client("cloudwatch").describe_alarms(AlarmNamePrefix=prefix)["MetricAlarms"]
    return {alarm["AlarmName"].removeprefix(prefix): alarm["StateValue"] for alarm in alarms}


def recent_runs(session: Session, project: str, machine: str | None, limit: int) -> list[dict[str, Any]]:
    """List the newest runs of one machine or of all, newest first, with their recorded outcomes."""
    records = {
        item["sk"].rsplit("#", 1)[-1]: item
        for item in session.table.query(f"RUN#{project}", f"{machine or ''}")
    }
    machines = (machine,) if machine else names.MACHINES
    rows = [row for name in machines for row in recent(session, project, name, limit)]
    rows.sort(key=lambda row: row["started"], reverse=True)
    return [
        {**row, "outcome": record.get("outcome"), "reason": record.get("reason")}
        for row in rows[:limit]
        for record in (records.get(row["name"], {}),)
    ]


def model_versions(session: Session, project: str) -> list[dict[str, Any]]:
    """List the project's model versions, oldest first."""
    return [
        {name: value for name, value in item.items() if name not in ("pk", "sk")}
        for item in session.table.query(f"MODEL#{project}")
    ]
