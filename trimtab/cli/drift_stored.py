"""Compare files with a stored baseline instead of with other files."""

from dataclasses import replace
from pathlib import Path

from trimtab.cli.drift_compare import Choice, Comparison, one_sided
from trimtab.cli.drift_files import Kind, Side
from trimtab.drift import Baseline, Override, Settings, compare
from trimtab.errors import BadInput
from trimtab.profile import Kind as GridKind

_KINDS: dict[GridKind, Kind] = {"numeric": "number", "categorical": "text", "timestamp": "instant"}
_LARGEST_FILE = 2**28


def stored_baseline(name: str) -> Baseline | None:
    """Return the baseline that a file on this machine holds, or None where it holds something else."""
    path = Path(name)
    if name.startswith("s3://") or not path.is_file():
        return None
    with path.open("rb") as file:
        if not Baseline.is_stored(file.read(4)):
            return None
        file.seek(0)
        return Baseline.from_bytes(file.read(_LARGEST_FILE))


def compare_with_stored(baseline: Baseline, now: Side, choice: Choice, settings: Settings) -> Comparison:
    """Compare files with a baseline on its own grid; columns of one side only are told and not compared."""
    if choice.timestamp is not None or choice.slices is not None:
        raise BadInput(
            "a stored baseline has no rows to slice; leave out --timestamp and --slices, or name "
            "a file of rows"
        )
    if choice.weights:
        raise BadInput("a stored baseline has weights of its own; leave out --environment")
    kinds: dict[str, Kind] = {name: _KINDS[one.kind] for name, one in baseline.profile.grid.columns.items()}
    there = now.names(kinds)
    for name in (*choice.columns, *choice.ignore):
        if name not in kinds and name not in there:
            raise BadInput(f"neither the baseline nor {now.text} has a column {name!r}")
    chosen = {name for name in choice.columns or kinds if name in kinds and name not in choice.ignore}
    compared = chosen & there
    if not compared:
        raise BadInput(
            f"no column of the baseline is left to compare with {now.text}; name others in --columns or "
            "fewer in --ignore"
        )
    left = {name: Override(ignore=True) for name in kinds if name not in compared}
    current = now.profile(baseline.profile.grid, kinds)
    known = {name: one for name, one in settings.columns.items() if name in kinds}
    report = compare(baseline, current, replace(settings, columns={**known, **left}))
    extra = there - set(kinds) - set(choice.ignore)
    notes = one_sided(chosen - there, extra & set(choice.columns) if choice.columns else extra)
    return Comparison(report, baseline.profile, current, (*notes, *_told(baseline, compared), *now.remarks))


def _told(baseline: Baseline, compared: set[str]) -> list[str]:
    worth = {name: rows for name, rows in baseline.equivalent_rows.items() if name in compared}
    told = []
    if worth:
        least = min(worth, key=lambda name: (worth[name], name))
        told.append(
            f"the baseline knows {len(worth)} of {len(compared)} columns from sketches, which are worth "
            f"fewer rows than it has: {least} {worth[least]:,} of {baseline.profile.rows:,}"
        )
    if not baseline.slices:
        told.append("uncalibrated: the baseline has no slices that show how much columns move by themselves")
    return told
