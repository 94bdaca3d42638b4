"""`trimtab drift`: compare any two files, explain one column, replay history; no project, no AWS needed."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trimtab.cli.options import EndpointOption, JsonOption
from trimtab.errors import BadInput

if TYPE_CHECKING:
    from trimtab.cli.drift_compare import Choice
    from trimtab.cli.drift_files import Dialect, Side
    from trimtab.cli.drift_settings import Asked

drift_app = typer.Typer(no_args_is_help=True, help="Compare files or prefixes, wherever they are.")

EXIT_CODES = {"stable": 0, "drifted": 1, "undetermined": 3}

BaselineArgument = Annotated[
    str,
    typer.Argument(
        help="What was: a file, a folder or an s3:// prefix of Parquet, CSV or JSON Lines; or a baseline."
    ),
]
CurrentArgument = Annotated[
    str, typer.Argument(help="What is: the same, or a table for Athena, athena://DATABASE/TABLE.")
]
ColumnsOption = Annotated[str, typer.Option("--columns", help="Only these columns, with commas between.")]
IgnoreOption = Annotated[str, typer.Option("--ignore", help="All columns but these, with commas between.")]
ToleranceOption = Annotated[
    float | None,
    typer.Option("--tolerance", help="The smallest squared shift that matters, in sd; 0.001 by default."),
]
AlarmsOption = Annotated[
    float | None,
    typer.Option("--false-alarms-per-year", help="How many false alarms may be; 1 by default."),
]
WeightOption = Annotated[
    float | None,
    typer.Option("--min-weight", help="The share of columns that must drift; 0.25 by default."),
]
TimestampOption = Annotated[
    str | None,
    typer.Option("--timestamp", help="Learn from the baseline's weeks or days by this column of times."),
]
SlicesOption = Annotated[
    int | None,
    typer.Option("--slices", min=2, max=1000, help="Learn from this many slices of the baseline, in order."),
]
DelimiterOption = Annotated[str | None, typer.Option("--delimiter", help="Between cells of CSV files.")]
WhereOption = Annotated[str, typer.Option("--where", help="Only a table's rows for which this SQL holds.")]
WorkgroupOption = Annotated[str, typer.Option("--workgroup", help="The workgroup in which Athena counts.")]
ResultsOption = Annotated[
    str | None,
    typer.Option("--results", help="An s3:// folder for Athena's answers; the workgroup's by default."),
]
ProjectOption = Annotated[
    str | None,
    typer.Option("--project", "-p", help="Take columns, how text is written, and settings from it."),
]
ChampionOption = Annotated[
    str | None,
    typer.Option("--environment", "-e", help="Weigh columns as the project's champion there does."),
]


@drift_app.command("compare")
def compare_(
    baseline: BaselineArgument,
    current: CurrentArgument,
    columns: ColumnsOption = "",
    ignore: IgnoreOption = "",
    timestamp: TimestampOption = None,
    slices: SlicesOption = None,
    tolerance: ToleranceOption = None,
    false_alarms_per_year: AlarmsOption = None,
    min_weight: WeightOption = None,
    delimiter: DelimiterOption = None,
    where: WhereOption = "",
    workgroup: WorkgroupOption = "primary",
    results: ResultsOption = None,
    project: ProjectOption = None,
    environment: ChampionOption = None,
    html: Annotated[Path | None, typer.Option("--html", help="Also write a report for people.")] = None,
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether the data drifted; exit with 0 when stable, 1 when drifted, 3 when it cannot be told."""
    from trimtab.cli import drift_output
    from trimtab.cli.drift_files import write

    found, document = _compared(
        baseline, current, columns, ignore, timestamp, slices, delimiter, project, environment, endpoint_url,
        where=where, workgroup=workgroup, results=results,
        tolerance=tolerance, false_alarms_per_year=false_alarms_per_year, min_weight=min_weight,
    )  # fmt: skip
    if html is not None:
        write(html, drift_output.page_of(found, document))
    drift_output.show_comparison(document, as_json=as_json)
    raise typer.Exit(EXIT_CODES[document["verdict"]])


@drift_app.command()
def explain(
    feature: Annotated[str, typer.Argument(help="The column to explain.")],
    baseline: BaselineArgument,
    current: CurrentArgument,
    columns: ColumnsOption = "",
    ignore: IgnoreOption = "",
    timestamp: TimestampOption = None,
    slices: SlicesOption = None,
    tolerance: ToleranceOption = None,
    false_alarms_per_year: AlarmsOption = None,
    delimiter: DelimiterOption = None,
    where: WhereOption = "",
    workgroup: WorkgroupOption = "primary",
    results: ResultsOption = None,
    project: ProjectOption = None,
    environment: ChampionOption = None,
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one column's distributions side by side, and why it was judged so."""
    from trimtab.cli import drift_output

    found, document = _compared(
        baseline, current, columns, ignore, timestamp, slices, delimiter, project, environment, endpoint_url,
        where=where, workgroup=workgroup, results=results,
        tolerance=tolerance, false_alarms_per_year=false_alarms_per_year, min_weight=None,
    )  # fmt: skip
    drift_output.show_feature(found, document, feature, as_json=as_json)


@drift_app.command()
def backtest(
    history: Annotated[
        str | None,
        typer.Argument(
            help="A file, a folder or an s3:// prefix of past rows; without, the windows that were judged."
        ),
    ] = None,
    timestamp: Annotated[
        str | None, typer.Option("--timestamp", help="The column of the rows' times; the project's.")
    ] = None,
    baseline_until: Annotated[
        str | None,
        typer.Option("--baseline-until", help="The first day, in UTC, that is judged: 2013-03-01."),
    ] = None,
    window: Annotated[
        str | None, typer.Option("--window", help="day, week or month; the project's, or month.")
    ] = None,
    columns: ColumnsOption = "",
    ignore: IgnoreOption = "",
    tolerance: ToleranceOption = None,
    false_alarms_per_year: AlarmsOption = None,
    min_weight: WeightOption = None,
    needed: Annotated[
        int | None, typer.Option("--needed", help="Windows that must drift for an alarm; 2 by default.")
    ] = None,
    of: Annotated[int | None, typer.Option("--of", help="Of how many windows; 3 by default.")] = None,
    delimiter: DelimiterOption = None,
    project: ProjectOption = None,
    environment: Annotated[
        str | None,
        typer.Option(
            "--environment", "-e", help="Where the windows were judged; of a file, whose champion weighs it."
        ),
    ] = None,
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Replay history with given settings: which windows would have drifted, and when an alarm had come."""
    from trimtab.cli import drift_output
    from trimtab.cli.drift_files import Address
    from trimtab.cli.drift_replay import replay, replay_stored
    from trimtab.cli.drift_settings import day_of, selected, stored_windows, window_kind
    from trimtab.cli.session import Session

    asked = selected(
        project, columns, ignore, timestamp, None, delimiter,
        window=window_kind(window) if window else None,
        tolerance=tolerance, false_alarms_per_year=false_alarms_per_year, min_weight=min_weight,
        needed=needed, of=of,
    )  # fmt: skip
    if history is None:
        own = {"--timestamp": timestamp, "--baseline-until": baseline_until, "--window": window,
               "--columns": columns, "--ignore": ignore, "--delimiter": delimiter}  # fmt: skip
        known = stored_windows(asked, own)
        session = Session.open(environment or "dev", endpoint_url)
        found = replay_stored(session, known, asked.settings)
    else:
        if baseline_until is None:
            raise BadInput("say with --baseline-until which day is the first to be judged: 2013-03-01")
        choice = _weighed(asked, environment, endpoint_url)
        if choice.timestamp is None and asked.project is not None:
            choice = replace(choice, timestamp=asked.project.data.timestamp)
        address = Address.find(history, asked.dialect)
        found = replay(address, choice, asked.settings, asked.window, day_of(baseline_until))
    drift_output.show_replay(found, as_json=as_json)


@drift_app.command()
def classify(
    baseline: Annotated[
        str,
        typer.Argument(help="What was: a file, a folder or an s3:// prefix of Parquet, CSV or JSON Lines."),
    ],
    current: CurrentArgument,
    columns: ColumnsOption = "",
    ignore: IgnoreOption = "",
    timestamp: Annotated[
        str | None, typer.Option("--timestamp", help="Hold out whole days by this column of times.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option("--tolerance", help="An AUC up to this does not matter.")
    ] = 0.55,
    rows: Annotated[
        int, typer.Option("--rows", min=200, max=1_000_000, help="How many rows of each side to look at.")
    ] = 10_000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=2**31 - 1, help="Of the sample and the training.")
    ] = 0,
    delimiter: DelimiterOption = None,
    project: ProjectOption = None,
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say whether a classifier tells the data apart, by drift that no column shows; exit as compare does."""
    from trimtab.cli.drift_classify import classify_files, show_classification
    from trimtab.cli.drift_files import Address
    from trimtab.cli.drift_settings import selected
    from trimtab.cli.session import point_at
    from trimtab.separation import Settings

    point_at(endpoint_url)
    asked = selected(project, columns, ignore, timestamp, None, delimiter)
    settings = Settings(tolerance=tolerance, seed=seed)
    before, now = Address.find(baseline, asked.dialect), Address.find(current, asked.dialect)
    found = classify_files(before, now, asked.choice, settings, rows)
    show_classification(found, as_json=as_json)
    raise typer.Exit(EXIT_CODES[found["verdict"]])


@drift_app.command("import-constraints")
def import_constraints_(
    statistics: Annotated[str, typer.Argument(help="Model Monitor's statistics.json, a file or s3://.")],
    constraints: Annotated[
        str | None, typer.Argument(help="Its constraints.json, which says what the contract allows.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="The baseline to write, for drift compare.")] = Path(
        "imported.baseline"
    ),
    contract: Annotated[
        Path | None, typer.Option("--contract", help="Also write a contract.py, for a person to edit.")
    ] = None,
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Turn SageMaker Model Monitor's files into a baseline to compare with, and into a first contract."""
    from trimtab.cli.drift_import import import_constraints, show_import
    from trimtab.cli.session import point_at

    point_at(endpoint_url)
    show_import(import_constraints(statistics, constraints, out, contract), as_json=as_json)


def _side(text: str, dialect: "Dialect", where: str, workgroup: str, results: str | None) -> "Side":
    """Find the current side; what asks Athena is imported for a table only."""
    from trimtab.cli.drift_files import TABLE, Address

    if text.startswith(TABLE):
        from trimtab.aws.athena import Athena
        from trimtab.cli.drift_tables import TableAddress

        return TableAddress.find(text, where, Athena(workgroup, results))
    if where or results:
        raise BadInput(f"--where and --results are about a table, and {text} is none; leave them out")
    return Address.find(text, dialect)


def _compared(
    baseline: str,
    current: str,
    columns: str,
    ignore: str,
    timestamp: str | None,
    slices: int | None,
    delimiter: str | None,
    project: str | None,
    environment: str | None,
    endpoint_url: str | None,
    *,
    where: str,
    workgroup: str,
    results: str | None,
    tolerance: float | None,
    false_alarms_per_year: float | None,
    min_weight: float | None,
) -> tuple[Any, dict[str, Any]]:
    from trimtab.cli.drift_compare import compare_files
    from trimtab.cli.drift_files import Address
    from trimtab.cli.drift_settings import selected
    from trimtab.cli.drift_stored import compare_with_stored, stored_baseline

    asked = selected(
        project, columns, ignore, timestamp, slices, delimiter,
        tolerance=tolerance, false_alarms_per_year=false_alarms_per_year, min_weight=min_weight,
    )  # fmt: skip
    choice = _weighed(asked, environment, endpoint_url)
    now = _side(current, asked.dialect, where, workgroup, results)
    stored = stored_baseline(baseline)
    if stored is not None:
        found = compare_with_stored(stored, now, choice, asked.settings)
    else:
        found = compare_files(Address.find(baseline, asked.dialect), now, choice, asked.settings)
    document = found.report.to_dict() | {
        "baseline": baseline,
        "current": current,
        "notes": list(found.notes),
        "default_tolerance": asked.settings.tolerance,
        "drifts_from": asked.settings.min_weight,
    }
    return found, document


def _weighed(asked: "Asked", environment: str | None, endpoint_url: str | None) -> "Choice":
    """Point at AWS, for files may lie there, and take the weights of the champion where one is asked for."""
    from trimtab.cli.session import Session, point_at

    if environment is None:
        point_at(endpoint_url)
        return asked.choice
    if asked.project is None:
        raise BadInput("--environment names a project's champion; name the project with --project")
    from trimtab.cli.drift_replay import champion_weights

    session = Session.open(environment, endpoint_url)
    return replace(asked.choice, weights=champion_weights(session, asked.project.name))
