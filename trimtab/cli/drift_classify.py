"""What `trimtab drift classify` does: sample two sets of files, see if a classifier tells them apart."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trimtab.cli.drift_compare import Choice, plan_columns
from trimtab.cli.drift_files import Address, Kind
from trimtab.cli.output import print_notes, show
from trimtab.errors import BadInput
from trimtab.monitoring.rows import days_of
from trimtab.separation import Reservoir, Separation, Settings, encode, separate
from trimtab.separation.classifier import (
    BLOCKS,
    FEWEST_BLOCKS,
    FEWEST_ROWS,
    Places,
    blocks_of_days,
    blocks_of_rows,
)

_FIRST_FEATURES = 3


def classify_files(
    before: Address, now: Address, choice: Choice, settings: Settings, most: int
) -> dict[str, Any]:
    """Return the finding on two sets of files as JSON-able data; `most` rows of each are looked at."""
    plan = plan_columns(before, now, choice)
    kinds: dict[str, Kind] = dict(plan.kinds)
    if choice.timestamp is not None:
        kinds[choice.timestamp] = "instant"
    sides, seen = [], []
    for side, address in enumerate((before, now)):
        # Seeds differ, or equal files would give equal samples.
        reservoir = Reservoir(most, 2 * settings.seed + side)
        for table in address.typed(kinds):
            reservoir.add(_with_floats(table, kinds))
        sides.append(reservoir.sample())
        seen.append(reservoir.rows)
    notes = list(plan.notes)
    blocks, by, told = _blocks(sides, choice.timestamp)
    sides = [side.take(order) for side, (order, _) in zip(sides, blocks, strict=True)]
    rows = encode(sides[0], sides[1], plan.kinds)
    notes += [*rows.left_out, *told, *before.remarks, *now.remarks]
    if not rows.names:
        raise BadInput(f"no column is left to tell rows by ({'; '.join(rows.left_out)})")
    found: Separation | None = None
    lost: dict[str, float] = {}
    if min(side.num_rows for side in sides) >= FEWEST_ROWS:
        found, lost = separate(rows, np.concatenate([numbers for _, numbers in blocks]), settings)
    features = sorted(lost.items(), key=lambda one: (-one[1], one[0]))
    return {
        "verdict": found.verdict if found else "undetermined",
        "reason": _reason(found),
        "auc": found.auc if found else None,
        "interval": [found.low, found.high] if found else None,
        "p_value": found.p_value if found else None,
        "tolerance": settings.tolerance,
        "rows": {"baseline": seen[0], "current": seen[1]},
        "sampled": {"baseline": sides[0].num_rows, "current": sides[1].num_rows},
        "blocks": by,
        "seed": settings.seed,
        "features": [{"name": name, "auc_lost_without": loss} for name, loss in features],
        "notes": notes,
    }


def show_classification(found: dict[str, Any], *, as_json: bool) -> None:
    """Print the verdict in a sentence and the columns that the classifier went by."""
    if as_json:
        show(found, as_json=True, title="")
        return
    show(found["features"], as_json=False, title=sentence(found))
    print_notes(found["notes"])


def sentence(found: dict[str, Any]) -> str:
    """Say the verdict in one sentence."""
    if found["auc"] is None:
        return f"Undetermined: fewer than {FEWEST_ROWS} rows on a side."
    low, high = found["interval"]
    told = f"AUC {found['auc']:.3f} ({low:.3f} to {high:.3f})"
    if found["verdict"] == "drifted":
        first = ", ".join(one["name"] for one in found["features"][:_FIRST_FEATURES])
        return (
            f"Drifted: a classifier tells current rows from the baseline's, {told}, first of all by {first}."
        )
    if found["verdict"] == "stable":
        return f"Stable: a classifier hardly tells current rows from the baseline's, {told}."
    return f"Undetermined: {told} leaves open whether it is more than the {found['tolerance']:g} that matter."


def _reason(found: Separation | None) -> str | None:
    if found is None:
        return "TOO_FEW_ROWS"
    return "WIDE_INTERVAL" if found.verdict == "undetermined" else None


def _with_floats(table: pa.Table, kinds: dict[str, Kind]) -> pa.Table:
    """Give numbers one type: files of one prefix may write them with several."""
    columns: dict[str, Any] = {name: table[name] for name in table.column_names}
    for name, column in columns.items():
        if kinds[name] == "number":
            columns[name] = column.cast(pa.float64(), safe=False)
    return pa.table(columns)


def _blocks(
    sides: list[pa.Table], timestamp: str | None
) -> tuple[list[tuple[Places, Places]], str, Iterable[str]]:
    """Return each side's rows in the order of time with their blocks; what blocks are; and what to tell."""
    if timestamp is None:
        places = [np.arange(side.num_rows) for side in sides]
        return [(one, blocks_of_rows(len(one), BLOCKS)) for one in places], "rows", ()
    orders, days, untimed = [], [], 0
    for side in sides:
        instants = side[timestamp].combine_chunks()
        known = pc.sort_indices(instants).to_numpy()[: len(instants) - instants.null_count]
        untimed += instants.null_count
        orders.append(known.astype(np.intp))
        days.append(days_of(instants.take(pa.array(known))))
    told = [f"{untimed:,} sampled rows have no readable time and are left out"] if untimed else []
    count = min(BLOCKS, *(len(np.unique(one)) for one in days))
    if count >= FEWEST_BLOCKS:
        blocks = [(order, blocks_of_days(one, count)) for order, one in zip(orders, days, strict=True)]
        return blocks, "days", told
    told.append(
        f"fewer than {FEWEST_BLOCKS} days on a side: blocks of rows in the order of time, so that what a "
        "day does by itself counts as drift"
    )
    return [(order, blocks_of_rows(len(order), BLOCKS)) for order in orders], "rows", told
