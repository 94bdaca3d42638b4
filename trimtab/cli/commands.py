"""The commands of `trimtab`. Each reads like a sentence: what to do, to which project."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.cache import cache_app
from trimtab.cli.contract import contract_app
from trimtab.cli.data import data_app
from trimtab.cli.drift import drift_app
from trimtab.cli.lineage import lineage_app
from trimtab.cli.options import EndpointOption, EnvironmentOption, JsonOption, ProjectArgument, ReasonOption
from trimtab.cli.session import Session
from trimtab.instants import format_time

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Trimtab: data in, watched models out. Works against AWS and the local server alike.",
)
monitor_app = typer.Typer(no_args_is_help=True, help="Watch a project's production.")
app.add_typer(monitor_app, name="monitor")
app.add_typer(cache_app, name="cache")
app.add_typer(contract_app, name="contract")
app.add_typer(data_app, name="data")
app.add_typer(drift_app, name="drift")
app.add_typer(lineage_app, name="lineage")


def _now() -> str:
    return format_time(datetime.now(UTC))


@app.command()
def init(
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits and hyphens.")],
    as_json: JsonOption = False,
) -> None:
    """Make a new project folder that passes its tests at once."""
    from trimtab.cli.init import create_project
    from trimtab.cli.output import show
    from trimtab.cli.session import find_root

    folder = create_project(find_root(Path.cwd()), name)
    facts = {"project": name, "folder": str(folder), "next": f".venv/bin/pytest {folder}"}
    show(facts, as_json=as_json, title=f"made project {name}")


@app.command()
def status(
    project: ProjectArgument,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a project's champion, data, last window and alarms."""
    from trimtab.cli.output import show
    from trimtab.cli.status import project_status

    session = Session.open(environment, endpoint_url)
    show(
        project_status(session, session.project(project).name),
        as_json=as_json,
        title=f"{project} in {environment}",
    )


@app.command()
def upload(
    project: ProjectArgument,
    file: Annotated[Path, typer.Argument(help="A CSV file of rows, or of labels with --labels.")],
    labels: Annotated[
        bool, typer.Option("--labels", help="The file holds labels of past predictions.")
    ] = False,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Upload a file and wait for the contract's verdict; exit with 1 when it is refused."""
    from trimtab.cli.output import show
    from trimtab.cli.upload import upload_file

    session = Session.open(environment, endpoint_url)
    verdict = upload_file(session, session.project(project), file, labels=labels)
    show(verdict, as_json=as_json, title=f"{file.name}: {verdict['verdict']}")
    if verdict["verdict"] == "refused":
        raise typer.Exit(1)


@app.command()
def runs(
    project: ProjectArgument,
    machine: Annotated[
        str | None, typer.Option("--machine", help="ingest, train, deploy or monitor.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000)] = 10,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the newest runs of the state machines and how they ended."""
    from trimtab.cli.output import show
    from trimtab.cli.status import recent_runs

    session = Session.open(environment, endpoint_url)
    rows = recent_runs(session, session.project(project).name, machine, limit)
    show(
        rows,
        as_json=as_json,
        title=f"runs of {project}",
        columns=("machine", "started", "status", "outcome", "reason", "name"),
    )


@app.command()
def models(
    project: ProjectArgument,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the model versions: metrics, status and why."""
    from trimtab.cli.output import show
    from trimtab.cli.status import model_versions

    session = Session.open(environment, endpoint_url)
    rows = model_versions(session, session.project(project).name)
    show(
        rows,
        as_json=as_json,
        title=f"models of {project}",
        columns=("version", "status", "metrics", "training_set", "reason"),
    )


@app.command()
def approve(
    project: ProjectArgument,
    version: Annotated[int, typer.Argument(min=1)],
    reason: ReasonOption = "approved by hand",
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Approve a model version, which deploys it."""
    _decide(project, version, "Approved", reason, environment, endpoint_url, as_json)


@app.command()
def reject(
    project: ProjectArgument,
    version: Annotated[int, typer.Argument(min=1)],
    reason: ReasonOption = "rejected by hand",
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Reject a model version, so that it is never deployed."""
    _decide(project, version, "Rejected", reason, environment, endpoint_url, as_json)


def _decide(
    project: str,
    version: int,
    decision: str,
    reason: str,
    environment: str,
    endpoint_url: str | None,
    as_json: bool,
) -> None:
    from trimtab.cli.approval import decide
    from trimtab.cli.output import show

    session = Session.open(environment, endpoint_url)
    facts = decide(session, session.project(project).name, version, decision, reason)
    show(facts, as_json=as_json, title=f"{project} version {version}: {decision}")


@app.command()
def rollback(
    project: ProjectArgument,
    to_version: Annotated[
        int | None,
        typer.Option("--to", min=1, help="The version to put back; the previous champion when left out."),
    ] = None,
    reason: ReasonOption = "rolled back by hand",
    at: Annotated[
        str | None, typer.Option("--at", help="The instant of the decision in UTC; now when left out.")
    ] = None,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put an earlier champion back, and record who did it and why."""
    from trimtab.cli.approval import roll_back
    from trimtab.cli.output import show

    session = Session.open(environment, endpoint_url)
    facts = roll_back(session, session.project(project).name, to_version, reason, at or _now())
    show(
        facts,
        as_json=as_json,
        title=f"{project}: rolled back" if facts["ok"] else f"{project}: not rolled back",
    )
    if not facts["ok"]:
        raise typer.Exit(1)


@app.command()
def train(
    project: ProjectArgument,
    force: Annotated[
        bool, typer.Option("--force", help="Train anew even where an earlier job's outputs could be used.")
    ] = False,
    reason: ReasonOption = "requested by hand",
    at: Annotated[
        str | None, typer.Option("--at", help="The instant of the request in UTC; now when left out.")
    ] = None,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train on all labelled data now, in or out of season; exit with 1 when no version comes of it."""
    from trimtab.cli.output import show
    from trimtab.cli.training import request_training

    session = Session.open(environment, endpoint_url)
    facts = request_training(session, session.project(project), reason=reason, force=force, at=at or _now())
    show(facts, as_json=as_json, title=f"training of {project}")
    if not facts["ok"]:
        raise typer.Exit(1)


@app.command()
def score(
    project: ProjectArgument,
    source: Annotated[
        str, typer.Argument(help="A CSV file, or s3:// files below scoring/PROJECT/ in the data bucket.")
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="Also write all answers into this CSV file, in order.")
    ] = None,
    payload_mb: Annotated[
        int, typer.Option("--payload-mb", min=1, max=100, help="The largest file that the model gets.")
    ] = 6,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score rows with the champion in a batch job; exit with 1 when the job fails."""
    from trimtab.cli.output import show
    from trimtab.cli.score import score as score_rows

    session = Session.open(environment, endpoint_url)
    facts = score_rows(
        session, session.project(project), source, to=to, payload_megabytes=payload_mb, at=_now()
    )
    show(facts, as_json=as_json, title=f"scores of {project}")
    if not facts["ok"]:
        raise typer.Exit(1)


@monitor_app.command("run")
def monitor_run(
    project: ProjectArgument,
    at: Annotated[
        str | None,
        typer.Option("--at", help="Judge the windows that ended before this UTC instant; now when left out."),
    ] = None,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Judge every finished window now, rather than at the next scheduled run."""
    from trimtab.cli.output import show
    from trimtab.cli.runs import start, wait

    session = Session.open(environment, endpoint_url)
    name = session.project(project).name
    instant = at or _now()
    result: dict[str, Any] = wait(start(session, name, "monitor", {"scheduled_time": instant}, instant))
    show(
        {key: result[key] for key in ("status", "error", "cause") if result[key]},
        as_json=as_json,
        title=f"monitor run of {project}",
    )
    if result["status"] != "SUCCEEDED":
        raise typer.Exit(1)


@app.command()
def report(
    project: ProjectArgument,
    window: Annotated[
        str | None, typer.Option("--window", help="Such as 2013-05; the newest when left out.")
    ] = None,
    to: Annotated[Path, typer.Option("--to", help="The folder to write to.")] = Path("build/reports"),
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Fetch a window's drift report, HTML and JSON."""
    from trimtab.cli.output import show
    from trimtab.cli.report import fetch_report

    session = Session.open(environment, endpoint_url)
    facts = fetch_report(session, session.project(project).name, window, to)
    show(facts, as_json=as_json, title=f"{project}, window {facts['window']}: {facts['verdict']}")
