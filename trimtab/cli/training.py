"""Ask for a training by hand, and wait for what becomes of it."""

from typing import Any

from trimtab.cli.runs import start, wait
from trimtab.cli.session import Session
from trimtab.model.training_job import MARGIN_SECONDS
from trimtab.project import Project


def request_training(
    session: Session, project: Project, *, reason: str, force: bool, at: str
) -> dict[str, Any]:
    """Run the train machine for a person; `ok` says that it ended with a version."""
    subject: dict[str, Any] = {"reason": "manual", "cause": f"{session.actor}: {reason}", "at": at}
    if force:
        subject["force"] = True
    patience = project.train.max_runtime_seconds + 2 * MARGIN_SECONDS
    result = wait(start(session, project.name, "train", subject, at), timeout_seconds=patience)
    output = result["output"]
    if result["status"] != "SUCCEEDED":
        return {"ok": False, "status": result["status"], "error": result["error"], "reason": result["cause"]}
    return {
        "ok": "version" in output,
        "status": result["status"],
        "outcome": output["status"] if "version" in output else output["decision"],
        **{
            name: output[name] for name in ("version", "verdict", "reused", "waiting_for") if output.get(name)
        },
        "reason": output["reason"],
    }
