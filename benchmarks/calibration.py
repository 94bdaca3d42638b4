"""`make simulate-drift`: how often verdicts are wrong where the truth is known; writes docs/calibration.md.

Seeded: the same code gives the same page.
"""

import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from scipy import stats

from benchmarks.calibration_page import Row, page
from benchmarks.worlds import (
    CARDINALITIES,
    DRIFTED_CATEGORIES,
    DRIFTED_NUMBERS,
    SHAPES,
    Change,
    Floats,
    Planted,
    World,
    draw,
    draw_autocorrelated,
    draw_correlated,
    make_world,
)
from trimtab.drift import Baseline, Settings, compare
from trimtab.drift.effects import ks, wasserstein
from trimtab.drift.histograms import side_by_side
from trimtab.profile import Grid, NumericCounts, Profile

SEED = 2027
WOBBLE = 0.02
SLICES = 20
SEASON = 0.1  # by how many standard deviations weekdays differ, column by column
WEEKS = 8
IRRELEVANT = 0.01
DEFAULT = Settings()
STRICT = Settings(tolerance=0.0)
COLUMNS = tuple(sorted([*SHAPES, *CARDINALITIES]))
SIZES: dict[Planted, str] = {"even": "drift of 0.1 sd", "mixed": "drift of 0.07 to 0.1 sd"}
PAGE = Path(__file__).parents[1] / "docs" / "calibration.md"


@cache
def world() -> World:
    """Return the world that all studies share."""
    return make_world(SEED)


@dataclass(frozen=True)
class Rates:
    """What a study counted over its reports."""

    reports: int
    alarmed: int  # reports with at least one drifted feature that did not drift
    numbers: float  # share of the really drifted numeric features that were found
    categories: float


def drifted(baseline: Baseline, window: Profile, settings: Settings) -> set[str]:
    """Return the features found to have drifted."""
    report = compare(baseline, window, settings)
    return {feature.name for feature in report.features if feature.verdict == "drifted"}


def rates(pairs: Iterator[tuple[Baseline, Profile]], *, planted: bool = False) -> Rates:
    """Judge pairs of baseline and window with the default settings, and count."""
    return judged(pairs, [DEFAULT], planted=planted)[0]


def judged(
    pairs: Iterator[tuple[Baseline, Profile]], settings: Sequence[Settings], *, planted: bool = False
) -> list[Rates]:
    """Judge each pair with several settings, and count."""
    really = {*DRIFTED_NUMBERS, *DRIFTED_CATEGORIES} if planted else set()
    alarmed, numbers, categories = np.zeros((3, len(settings)), dtype=np.int64)
    reports = 0
    for baseline, window in pairs:
        reports += 1
        for i, sensitivity in enumerate(settings):
            found = drifted(baseline, window, sensitivity)
            alarmed[i] += bool(found - really)
            numbers[i] += len(found & {*DRIFTED_NUMBERS})
            categories[i] += len(found & {*DRIFTED_CATEGORIES})
    of_numbers, of_categories = len(DRIFTED_NUMBERS) * reports, len(DRIFTED_CATEGORIES) * reports
    return [
        Rates(reports, int(alarmed[i]), numbers[i] / of_numbers, categories[i] / of_categories)
        for i in range(len(settings))
    ]


def independent(
    there: World, rows: int, window: int, reports: int, change: Change | None = None
) -> Iterator[tuple[Baseline, Profile]]:
    """Draw baselines without slices, each with a window of its own."""
    rng = np.random.default_rng((SEED, rows, window, reports))
    for _ in range(reports):
        yield Baseline(draw(there, rng, rows)), draw(there, rng, window, change)


def wobbling(
    there: World,
    rows: int,
    window: int,
    baselines: int,
    *,
    planted: Planted | None,
    sd: float = WOBBLE,
    each: int = 5,
) -> Iterator[tuple[Baseline, Profile]]:
    """Draw baselines of wobbling slices, each with a few windows that wobble just so."""
    rng = np.random.default_rng((SEED, rows, window, baselines))

    def moved(planted: Planted | None) -> Change:
        return Change(dict(zip(COLUMNS, rng.normal(scale=sd, size=len(COLUMNS)), strict=True)), planted)

    for _ in range(baselines):
        slices = tuple(draw(there, rng, rows, moved(None)) for _ in range(SLICES))
        baseline = Baseline(Profile.merged(slices), slices)
        for _ in range(each):
            yield baseline, draw(there, rng, window, moved(planted))


def seasonal(
    there: World, rows: int, baselines: int, *, planted: Planted | None, is_matched: bool
) -> Iterator[tuple[Baseline, Profile]]:
    """Draw baselines of some weeks of days, each weekday with moves of its own, and a day of each weekday."""
    rng = np.random.default_rng((SEED, rows, baselines))
    for _ in range(baselines):
        weekdays = rng.normal(scale=SEASON, size=(7, len(COLUMNS)))

        def day(weekday: int, planted: Planted | None, weekdays: Floats = weekdays) -> Profile:
            moves = weekdays[weekday] + rng.normal(scale=WOBBLE, size=len(COLUMNS))
            return draw(there, rng, rows, Change(dict(zip(COLUMNS, moves, strict=True)), planted))

        days = [number % 7 for number in range(7 * WEEKS)]
        slices = tuple(day(weekday, None) for weekday in days)
        baseline = Baseline(Profile.merged(slices), slices, seasons=tuple(map(str, days)))
        for weekday in range(7):
            yield (
                baseline.of_season(str(weekday)) if is_matched else replace(baseline, seasons=()),
                day(weekday, planted),
            )


def autocorrelated(
    there: World, rows: int, baselines: int, memory: float, slices: int
) -> Iterator[tuple[Baseline, Profile]]:
    """Draw baselines and windows whose rows resemble those before them."""
    rng = np.random.default_rng((SEED, rows, baselines))
    for _ in range(baselines):
        parts = tuple(draw_autocorrelated(there, rng, rows, memory) for _ in range(SLICES))
        baseline = Baseline(Profile.merged(parts), parts[:slices])
        for _ in range(4):
            yield baseline, draw_autocorrelated(there, rng, rows, memory)


def correlated(there: World, rows: int, reports: int) -> Iterator[tuple[Baseline, Profile]]:
    """Draw windows in which ten of the thirty columns are copies of one."""
    rng = np.random.default_rng((SEED, rows, reports))
    copies = sorted(SHAPES)[:10]
    for _ in range(reports):
        yield (
            Baseline(draw_correlated(there, rng, rows, copies)),
            draw_correlated(there, rng, rows, copies),
        )


def nothing_drifts(rows: int, window: int, reports: int) -> list[Row]:
    """Study false alarms when nothing drifts."""
    what = f"nothing drifted, n = {rows:,}"
    if window != rows:
        times = "10 x smaller" if window < rows else "5 x larger"
        what = f"nothing drifted, baseline {rows:,}, windows {times}"
    default, strict = judged(independent(world(), rows, window, reports), [DEFAULT, STRICT])
    return [false_alarms(what, default), nominal(what, strict)]


def irrelevant_drift(rows: int, reports: int) -> list[Row]:
    """Study false alarms when every column moves by too little to matter."""
    shift = Change(dict.fromkeys(COLUMNS, IRRELEVANT))
    found = rates(independent(world(), rows, rows, reports, shift))
    return [false_alarms(f"irrelevant shift of 0.01 sd in every column, n = {rows:,}", found)]


def planted_drift(rows: int, reports: int, planted: Planted, bar: float | None) -> list[Row]:
    """Study how much of what really drifted is found, after correction."""
    found = rates(independent(world(), rows, rows, reports, Change(planted=planted)), planted=True)
    what = f"{SIZES[planted]}, n = {rows:,}"
    return [
        Row(f"{what}: numeric columns found", found.numbers, bar, "least", found.reports),
        Row(f"{what}: categorical columns found", found.categories, None, "least", found.reports),
        replace(false_alarms(f"{what}: reports with a column that did not drift", found), bar=None),
    ]


def wobble(rows: int, window: int, sd: float) -> list[Row]:
    """Study windows that move by themselves, as twenty slices of the baseline did."""
    what = f"wobble of {sd} sd, 20 slices of {rows:,}, windows of {window:,}"
    quiet = rates(wobbling(world(), rows, window, 60, planted=None, sd=sd))
    lines = [false_alarms(what, quiet)]
    bar = 0.9 if rows == window and sd else None
    for planted, size in SIZES.items():
        found = rates(wobbling(world(), rows, window, 24, planted=planted, sd=sd), planted=True)
        both = (len(DRIFTED_NUMBERS) * found.numbers + len(DRIFTED_CATEGORIES) * found.categories) / 6
        lines.append(Row(f"{what}: columns found, {size}", both, bar, "least", found.reports))
    return lines


def weekdays(*, is_matched: bool) -> list[Row]:
    """Study days of weekdays that differ, judged by days like them or by all days."""
    how = "judged by its weekday" if is_matched else "judged by all days"
    what = f"weekdays {SEASON} sd apart, wobble of {WOBBLE} sd, {WEEKS} weeks, days of 10,000, {how}"
    quiet = rates(seasonal(world(), 10_000, 40, planted=None, is_matched=is_matched))
    found = rates(seasonal(world(), 10_000, 12, planted="even", is_matched=is_matched), planted=True)
    both = (len(DRIFTED_NUMBERS) * found.numbers + len(DRIFTED_CATEGORIES) * found.categories) / 6
    return [
        false_alarms(what, quiet),
        Row(f"{what}: columns found, {SIZES['even']}", both, None, "least", found.reports),
    ]


def copied_columns(rows: int, reports: int) -> list[Row]:
    """Study false alarms when columns depend on each other."""
    what = f"ten of thirty columns are copies of one, n = {rows:,}"
    default, strict = judged(correlated(world(), rows, reports), [DEFAULT, STRICT])
    return [false_alarms(what, default), nominal(what, strict)]


def resembling_rows(memory: float) -> list[Row]:
    """Study false alarms when rows depend on those before them."""
    what = f"each row resembles the one before ({memory}), n = 10,000"
    learned = rates(autocorrelated(world(), 10_000, 40, memory, SLICES))
    alone = rates(autocorrelated(world(), 10_000, 15, memory, 0))
    return [
        false_alarms(f"{what}, 20 slices", learned),
        replace(false_alarms(f"{what}, no slices to learn from", alone), bar=None),
    ]


def distances() -> list[Row]:
    """Study distances on the grid against scipy's on the values themselves."""
    rng = np.random.default_rng(SEED)
    off_ks, off_wasserstein = [], []
    for name, shape in SHAPES.items():
        first, second = (np.asarray(shape(rng.random(300_000)), dtype=np.float64) for _ in range(2))
        second = second * 1.05 + 0.05 if name not in {"n09", "n11", "n16", "n17"} else second
        grid = Grid.from_table(pa.table({"x": pa.array(first)}), {"x": "numeric"})
        before, after = (
            Profile.of(grid, pa.table({"x": pa.array(values)})).columns["x"] for values in (first, second)
        )
        assert isinstance(before, NumericCounts)  # noqa: S101
        assert isinstance(after, NumericCounts)  # noqa: S101
        exact = float(stats.ks_2samp(first, second).statistic)
        off_ks.append(abs(ks(*side_by_side([before, after])) - exact))
        exact = float(stats.wasserstein_distance(first, second)) / float(first.std())
        off_wasserstein.append(abs((wasserstein(before, after) or 0.0) - exact))
    count = len(off_ks)
    return [
        Row("KS on the grid: mean error", float(np.mean(off_ks)), 1e-4, "most", count, share=False),
        Row("KS on the grid: largest error", max(off_ks), None, "most", count, share=False),
        Row("Wasserstein/sd: mean error", float(np.mean(off_wasserstein)), 1e-3, "most", count, share=False),
        Row("Wasserstein/sd: largest error", max(off_wasserstein), 1e-3, "most", count, share=False),
    ]


def false_alarms(what: str, found: Rates) -> Row:
    """Return the row of a study of false alarms, whose bar is 5 percent of the reports."""
    return Row(what, found.alarmed / found.reports, 0.05, "most", found.reports)


def nominal(what: str, found: Rates) -> Row:
    """Return the row of a study with tolerance 0, which is to alarm in 5 percent of the reports."""
    return Row(f"{what}, tolerance 0", found.alarmed / found.reports, 0.05, "about", found.reports)


STUDIES: dict[str, list[Callable[[], list[Row]]]] = {
    "False alarms": [
        *(partial(nothing_drifts, n, n, r) for n, r in ((1000, 400), (10_000, 400), (100_000, 300))),
        partial(nothing_drifts, 1_000_000, 1_000_000, 200),
        *(partial(nothing_drifts, n, n // 10, 300) for n in (10_000, 100_000)),
        *(partial(nothing_drifts, n, n * 5, 300) for n in (10_000, 100_000)),
        partial(irrelevant_drift, 1_000_000, 150),
    ],
    "Power": [
        partial(planted_drift, 1000, 150, "even", None),
        partial(planted_drift, 10_000, 250, "even", 0.84),
        partial(planted_drift, 10_000, 250, "mixed", 0.84),
        partial(planted_drift, 100_000, 100, "even", 1.0),
        partial(planted_drift, 100_000, 100, "mixed", 1.0),
    ],
    "Windows that wobble": [
        partial(wobble, 10_000, 10_000, WOBBLE),
        partial(wobble, 50_000, 50_000, WOBBLE),
        partial(wobble, 10_000, 1000, WOBBLE),
        partial(wobble, 50_000, 200_000, WOBBLE),
        partial(wobble, 10_000, 10_000, 0.0),
    ],
    "Seasons": [partial(weekdays, is_matched=True), partial(weekdays, is_matched=False)],
    "Dependence": [
        partial(copied_columns, 1000, 300),
        partial(copied_columns, 10_000, 300),
        partial(resembling_rows, 0.5),
        partial(resembling_rows, 0.9),
    ],
    "Distances": [distances],
}


def main(wanted: list[str]) -> None:
    """Run the studies, all or those that are named, on all cores, and write the page if it was all."""
    chosen = {title: units for title, units in STUDIES.items() if not wanted or title in wanted}
    found: dict[str, list[Row]] = {title: [] for title in chosen}
    with ProcessPoolExecutor() as workers:
        running = {title: [workers.submit(unit) for unit in units] for title, units in chosen.items()}
        for title, futures in running.items():
            for future in futures:
                for row in future.result():
                    found[title].append(row)
                    print(f"{title}: {row.sentence}", flush=True)
    if not wanted:
        PAGE.write_text(page(found))


if __name__ == "__main__":
    main(sys.argv[1:])
