"""What `trimtab drift import-constraints` does: Model Monitor's files become a baseline and a contract."""

from pathlib import Path
from statistics import NormalDist
from typing import Any

from trimtab.cli.contracts import toml_text
from trimtab.cli.drift_files import fetched
from trimtab.cli.output import print_notes, show
from trimtab.contract.inference import SeenColumn, contract_text, suggestions
from trimtab.drift.model_monitor import (
    LARGEST_FILE,
    Constraint,
    Constraints,
    NumberStatistics,
    Statistics,
    TextStatistics,
    read_constraints,
    read_statistics,
)
from trimtab.drift.sketches import baseline_of
from trimtab.errors import BadInput


def import_constraints(
    statistics: str, constraints: str | None, out: Path, contract: Path | None
) -> dict[str, Any]:
    """Write a baseline, and a contract where one is wanted; raise BadInput for files not as documented.

    A contract that exists is not overwritten, for a person may have edited it.
    """
    if contract is not None and contract.exists():
        raise BadInput(
            f"{contract} exists; a contract that a person has edited is not overwritten: remove it first"
        )
    found = read_statistics(_read(statistics), statistics)
    limits = read_constraints(_read(constraints), constraints) if constraints else None
    baseline, notes = baseline_of(found)
    columns = _columns(found, limits)
    suggested = suggestions(columns, ",")
    text = contract_text(columns, Path(constraints or statistics).name)
    _write(out, baseline.to_bytes())
    if contract is not None:
        _write(contract, text.encode())
    rows = [_told(feature, baseline.equivalent_rows) for feature in found.features]
    return {
        "baseline": str(out),
        "rows": found.rows,
        "features": [row for row in rows if row["name"] in baseline.profile.columns],
        "notes": notes + _allowances(limits),
        "contract": text,
        "contract_written_to": str(contract) if contract else None,
        "settings": suggested,
        "toml": toml_text(suggested) + _tolerance(limits),
    }


def show_import(found: dict[str, Any], *, as_json: bool) -> None:
    """Print what the baseline holds, what it could not, and what project.toml may say."""
    if as_json:
        show(found, as_json=True, title="")
        return
    title = f"{found['baseline']}: a baseline of {found['rows']:,} rows"
    show(found["features"], as_json=False, title=title)
    print_notes(found["notes"])
    if found["contract_written_to"]:
        print(f"\n{found['contract_written_to']} is a contract to edit; lines for project.toml:\n")
        print(found["toml"])


def _read(name: str) -> bytes:
    if not name.startswith("s3://") and not Path(name).is_file():
        raise BadInput(f"{name} does not exist or is not a file")
    with fetched(name) as path, path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise BadInput(
            f"{path} cannot be written: {error.strerror}; name a file in an existing folder"
        ) from error


def _columns(statistics: Statistics, constraints: Constraints | None) -> list[SeenColumn]:
    """Return the columns as the constraints describe them; without constraints, as they were seen."""
    if constraints is None:
        return [_seen(feature) for feature in statistics.features]
    seen = {feature.name: _seen(feature) for feature in statistics.features}
    return [_constrained(one, seen.get(one.name)) for one in constraints.features]


def _seen(feature: NumberStatistics | TextStatistics) -> SeenColumn:
    rows = feature.present + feature.missing
    column = SeenColumn(feature.name, [], rows, feature.missing)
    if isinstance(feature, TextStatistics):
        column.distinct = set(feature.counts) if feature.counts is not None else None
        return column
    column.kinds = ["integer" if feature.is_integral else "number"]
    column.distinct = None
    if feature.present:
        column.least, column.most = feature.minimum, feature.maximum
    return column


def _constrained(constraint: Constraint, seen: SeenColumn | None) -> SeenColumn:
    column = SeenColumn(constraint.name, [], distinct=seen.distinct if seen else None)
    column.rows = max(2, seen.rows if seen else 0)
    column.domain = constraint.domain
    if constraint.inferred_type in ("Integral", "Fractional"):
        column.kinds = ["integer" if constraint.inferred_type == "Integral" else "number"]
        column.least = 0 if constraint.is_non_negative else None
    if constraint.completeness is not None and constraint.completeness < 1:
        # How many may be missing is no matter for a contract of rows, but whether any may.
        column.nulls = 1
    return column


def _told(feature: NumberStatistics | TextStatistics, worth: Any) -> dict[str, Any]:
    return {
        "name": feature.name,
        "kind": "number" if isinstance(feature, NumberStatistics) else "text",
        "present": feature.present,
        "missing": feature.missing,
        "worth_rows": worth.get(feature.name, feature.present),
    }


def _allowances(constraints: Constraints | None) -> list[str]:
    return [
        f"{one.name}: Model Monitor wanted {one.completeness:.4g} of it present; the contract lets it be "
        "missing, and drift compare watches how often it is"
        for one in (constraints.features if constraints else ())
        if one.completeness is not None and one.completeness < 1
    ]


def _tolerance(constraints: Constraints | None) -> str:
    """Return the tolerance that is like Model Monitor's threshold, as a comment: the two are no equals."""
    if constraints is None or constraints.comparison_threshold is None:
        return ""
    threshold = min(constraints.comparison_threshold, 0.6)
    # Normal distributions d standard deviations apart have a Kolmogorov-Smirnov distance of 2 Phi(d/2) - 1.
    shift = 2 * NormalDist().inv_cdf((1 + threshold) / 2)
    return (
        "[monitor]\n"
        f"# tolerance = {shift**2:.4f} (a distance of {threshold:g} is that of a normal column moved by "
        f"{shift:.2f} sd; 0.001 by default)\n"
    )
