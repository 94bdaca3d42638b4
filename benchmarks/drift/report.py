"""The section of the page that says what drift costs, with the bars that it must reach."""

import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from benchmarks.drift.process import Cost
from benchmarks.page import table

MOST_OF_DECODE, DREAM = 2.6, 2.0
MOST_OF_MOMENTS = 2.5
MOST_MEGABYTES = 400
FASTER_THAN = {"evidently": 100, "whylogs": 45, "nannyml": 25}
MOST_MEMORY = 1.2
MOST_PER_ROW = 1.2  # times the seconds per row of a tenth of the rows: what counts as linear
MOST_IMPORT = 0.6
NAMES = {"evidently": "Evidently", "whylogs": "whylogs", "nannyml": "NannyML"}
WAYS = {
    "evidently": "`DataDriftPreset`, defaults",
    "whylogs": "two profiles and their drift scores",
    "nannyml": "`UnivariateDriftCalculator`, defaults",
}
DRIFTED = ("c3", "c6", "n00", "n06", "n10", "n19")


def engine_section(costs: Mapping[str, Cost], rounds: int) -> str:
    """Return what a comparison with a stored baseline costs, and what the handlers' imports do."""
    text, imports = engine_table(costs), _imports_table(costs)
    return "\n\n".join(
        [
            _introduction([text, imports]),
            text,
            f"{_rounds(rounds)}, without imports and without reading the baseline, which takes "
            f"{costs['stored'].told['bytes'] / 1000:.0f} kB for the 30 columns. "
            f"At best {DREAM:g} times decode is hoped for.",
            imports,
            "Imports in a fresh process with its bytecode at hand. Lambda's own runtime brings boto3; the "
            "closure of our own is what is left without it.",
        ]
    )


def peers_section(costs: Mapping[str, Cost], rounds: int, own_rounds: int) -> str:
    """Return what two files cost from a fresh process to a verdict, ours and the peers'."""
    text = _peers_table(costs)
    return "\n\n".join(
        [
            _introduction([text]),
            text,
            f"{_rounds(own_rounds)} of Trimtab, spread between those of the peers; for these: "
            f"{_rounds(rounds).lower()}. Imports and both files of a million rows are included. Each peer "
            "runs in an environment of its own, from the locks in `benchmarks/peers`, on a pandas frame, "
            f"with its telemetry switched off. Drift was planted in {', '.join(DRIFTED)}, and nowhere else.",
        ]
    )


def streams_section(costs: Mapping[str, Cost], rounds: int) -> str:
    """Return what longer and longer streams cost."""
    text = _streams_table(costs)
    return "\n\n".join(
        [
            _introduction([text]),
            text,
            f"{_rounds(rounds)}, one of the longest. Ten million rows are one file; a hundred million are "
            "that file read ten times. The time is that within the process without its imports, the memory "
            "that of the whole process.",
        ]
    )


def engine_table(costs: Mapping[str, Cost]) -> str:
    """Return what a comparison costs, as multiples of the time to decode the same columns."""
    floor = costs["decode"].told["cpu"]
    whole, more = costs["compare"].told["cpu"], costs["moments"].told["cpu"]
    rows = [
        ["decode the 30 columns", "", *_inner(costs["decode"]), "1", ""],
        [
            "decode, profile, compare: counts, sums, nulls, extremes, all effects",
            f"at most {MOST_OF_DECODE:g} x",
            *_inner(costs["compare"]),
            f"{whole / floor:.2f} x",
            _met(whole / floor <= MOST_OF_DECODE),
        ],
        [
            "second moments of 20 columns, on top",
            f"at most {MOST_OF_MOMENTS:g} x",
            f"{more - whole:.3f}",
            f"{costs['moments'].told['wall'] - costs['compare'].told['wall']:.3f}",
            f"{costs['moments'].megabytes:.0f}",
            f"{(more - whole) / floor:.2f} x",
            _met((more - whole) / floor <= MOST_OF_MOMENTS),
        ],
    ]
    return table(["work", "bar", "processor s", "wall s", "peak MB", "of decode", "bar met"], rows)


def _inner(cost: Cost) -> list[str]:
    return [f"{cost.told['cpu']:.3f}", f"{cost.told['wall']:.3f}", f"{cost.megabytes:.0f}"]


def _peers_table(costs: Mapping[str, Cost]) -> str:
    own = costs["trimtab"]
    rows = [
        [
            "Trimtab: profile both, compare",
            f"under {MOST_MEGABYTES} MB",
            *_outer(own),
            "1",
            "1",
            _met(own.megabytes < MOST_MEGABYTES),
            ", ".join(own.told["drifted"]),
        ]
    ]
    for name, bar in FASTER_THAN.items():
        cost = costs[name]
        ratio = cost.cpu / own.cpu
        rows.append(
            [
                f"{NAMES[name]} {_locked(name)}: {WAYS[name]}",
                f"at least {bar} x",
                *_outer(cost),
                f"{ratio:.0f} x",
                f"{cost.wall / own.wall:.0f} x",
                _met(ratio >= bar),
                ", ".join(cost.told["drifted"]),
            ]
        )
    head = ["two files to a verdict", "bar", "processor s", "wall s", "peak MB"]
    return table([*head, "processor, of ours", "wall, of ours", "bar met", "said to have drifted"], rows)


def _outer(cost: Cost) -> list[str]:
    return [f"{cost.cpu:.2f}", f"{cost.wall:.2f}", f"{cost.megabytes:.0f}"]


def _streams_table(costs: Mapping[str, Cost]) -> str:
    rows, first = [], costs["1 M"]
    for name, cost in costs.items():
        share = cost.megabytes / first.megabytes
        per_row = cost.told["cpu"] / cost.told["rows"]
        before = first.told["cpu"] / first.told["rows"]
        rows.append(
            [
                f"{name} rows",
                *_inner(cost),
                f"{per_row * 1e6:.3f}",
                f"{share:.2f} x",
                "" if cost is first else _met(share <= MOST_MEMORY and per_row <= MOST_PER_ROW * before),
            ]
        )
    return table(
        ["stream", "processor s", "wall s", "peak MB", "processor s per M rows", "memory of 1 M", "bar met"],
        rows,
    )


def _imports_table(costs: Mapping[str, Cost]) -> str:
    rows = []
    for name in sorted(name for name in costs if f"{name} without runtime" in costs):
        own, whole = costs[f"{name} without runtime"], costs[name]
        rows.append(
            [
                f"`lambdas/{name}`",
                f"under {MOST_IMPORT:g} s",
                f"{own.told['cpu']:.3f}",
                f"{own.told['wall']:.3f}",
                f"{whole.told['cpu']:.3f}",
                f"{whole.told['wall']:.3f}",
                _met(own.told["cpu"] < MOST_IMPORT),
            ]
        )
    head = ["handler", "bar", "own closure, processor s", "wall s", "with boto3, processor s", "wall s"]
    return table([*head, "bar met"], rows)


def _introduction(tables: Sequence[str]) -> str:
    missed = [line.split("|")[1].strip() for text in tables for line in text.splitlines() if "**no**" in line]
    bars = f"Bars missed: {'; '.join(missed)}." if missed else "No bar is missed."
    return (
        f"{bars} Measured on {datetime.now(UTC):%d %B %Y} by `make bench-drift`: {_processor()}, "
        f"Python {platform.python_version()}, numpy {version('numpy')}, pyarrow {version('pyarrow')}; 20 "
        "numeric and 10 categorical generated columns, snappy Parquet in row groups of 131,072 rows. Every "
        "figure is of a process of its own, pinned to one thread; different works take turns. **Ratios, and "
        "whether a bar is met, are of processor seconds**: other programs were at work on the same machine, "
        "which stretches wall seconds. Peak memory is the highest resident memory of the process."
    )


def _rounds(number: int) -> str:
    return "One run of each, so no median" if number == 1 else f"Medians of {number} runs"


def _met(met: bool) -> str:
    return "yes" if met else "**no**"


def _locked(name: str) -> str:
    lock = Path(__file__).parents[1] / f"peers/{name}.txt"
    pin = next(line for line in lock.read_text().splitlines() if line.startswith(f"{name}=="))
    return pin.removeprefix(f"{name}==").split()[0]


def _processor() -> str:
    """Name the processor, as Linux tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(models)} x {models[0]}" if models else platform.machine()
