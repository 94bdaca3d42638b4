"""Move the champion's pointer, and its baseline with it; the log of promotions only ever grows."""

from typing import Any

from trimtab.aws.registry import REJECTED, decide_package
from trimtab.aws.settings import FunctionSettings, function_settings
from trimtab.aws.table import Item, Table, add_edge
from trimtab.errors import Conflict
from trimtab.model.lineage import endpoint_node, model_node
from trimtab.model.record import model_sort_key
from trimtab.model.run import Run


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """Answer with what changed, as the event that announces it."""
    return move(function_settings(), Run.read("deploy", event), event["plan"])


def move(settings: FunctionSettings, run: Run, plan: dict[str, Any]) -> dict[str, Any]:
    """Make the planned version champion; raise Conflict when the pointer has moved since the plan.

    Asked twice, it writes the same again.
    """
    table, project = Table(settings.table), settings.project
    revision = _move_pointer(table, project, run, plan)
    change = {
        "action": plan["action"],
        "from": plan["from_version"],
        "to": plan["version"],
        "actor": run.input["actor"],
        "reason": run.input["reason"],
        "time": run.input["time"],
    }
    if revision is not None:
        key = f"{run.input['time']}#{revision:06d}"
        table.put_once({"pk": f"PROMOTION#{project}", "sk": key, **change})
        _settle_statuses(table, project, plan)
    add_edge(table, model_node(project, plan["version"]), "deployed", endpoint_node(plan["endpoint"]))
    if plan["action"] == "rollback" and plan["from_package_arn"]:
        reason = f"rolled back to version {plan['version']} by {change['actor']}: {change['reason']}"
        decide_package(plan["from_package_arn"], REJECTED, reason)
    outcome = "promoted" if plan["action"] == "promote" else "rolled back"
    table.put(run.record(project, outcome=outcome, reason=change["reason"], details=change))
    return {"project": project, "environment": settings.environment, **change}


def _move_pointer(table: Table, project: str, run: Run, plan: dict[str, Any]) -> int | None:
    """Return the new revision, or None when another run had made the same version champion."""
    item = _pointer(project, run, plan)
    try:
        _swap(table, item, plan["revision"])
    except Conflict:
        current = table.get(f"CHAMPION#{project}", "current") or {}
        if current.get("version") != plan["version"]:
            raise
        if current["endpoint_config"] == plan["endpoint_config"]:
            return int(current["revision"])
        # A duplicate event deployed the same version; the pointer names the configuration that serves it now.
        kept = {name: current[name] for name in ("since", "previous_version")}
        _swap(table, {**item, **kept, "revision": current["revision"] + 1}, current["revision"])
        return None
    return int(item["revision"])


def _swap(table: Table, item: Item, expected: int) -> None:
    if expected == 0:
        table.put_if(item, "attribute_not_exists(pk)", {})
    else:
        table.put_if(item, "revision = :expected", {":expected": expected})


def _pointer(project: str, run: Run, plan: dict[str, Any]) -> Item:
    copied = ("version", "package_arn", "model_sha256", "baseline_key", "endpoint", "endpoint_config")
    return {
        "pk": f"CHAMPION#{project}",
        "sk": "current",
        **{name: plan[name] for name in copied},
        "since": run.input["time"],
        "revision": plan["revision"] + 1,
        "previous_version": plan["previous_version"],
    }


def _settle_statuses(table: Table, project: str, plan: dict[str, Any]) -> None:
    table.update(f"MODEL#{project}", model_sort_key(plan["version"]), {"status": "champion"})
    if plan["from_version"] is not None:
        status = "rolled_back" if plan["action"] == "rollback" else "retired"
        table.update(f"MODEL#{project}", model_sort_key(plan["from_version"]), {"status": status})
