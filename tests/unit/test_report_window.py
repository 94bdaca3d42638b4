"""The report of a window, from real comparisons of small data."""

import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trimtab.drift import Baseline, Settings, compare
from trimtab.profile import Grid, Kind, Profile
from trimtab.report import render_window_report, trend_of
from trimtab.report.pictures import picture
from trimtab.report.unknown import smallest_shift

NASTY = "<script>alert(1)</script>"


def table(rows: int, *, moved: float = 0.0, seed: int = 0) -> pa.Table:
    draw = np.random.default_rng(seed)
    places = ["Rome", "Oslo"] if not moved else ["Rome", "Oslo", "<img src=x onerror=alert(2)>"]
    return pa.table(
        {
            NASTY: pa.array(draw.normal(moved, 1, rows)),
            "steady": pa.array(draw.normal(0, 1, rows)),
            "place": draw.choice(places, rows).tolist(),
            "empty": pa.nulls(rows, pa.float64()),
            "score": pa.array(draw.uniform(size=rows)),
        }
    )


def report(current: pa.Table, weights: dict[str, float] | None = None, **changes: object) -> dict[str, Any]:
    then = table(4000)
    kinds: dict[str, Kind] = {
        NASTY: "numeric",
        "steady": "numeric",
        "place": "categorical",
        "empty": "numeric",
        "score": "numeric",
    }
    grid = Grid.from_table(then, kinds)
    baseline = Baseline(
        Profile.of(grid, then, second_moments=True),
        (),
        weights or {NASTY: 2, "place": 1, "steady": 1, "empty": 0.1},
    )
    profile = Profile.of(grid, current, second_moments=True)
    found = compare(baseline, profile, Settings())
    pictures = {part.name: picture(baseline.profile, profile, part.name) for part in found.features}
    return found.to_dict() | {
        "project": "parcels",
        "environment": "dev",
        "window": {"id": "2013-03", "from": "2013-03-01T00:00:00Z", "to": "2013-04-01T00:00:00Z"},
        "champion_version": 1,
        "default_tolerance": 0.001,
        "drifts_from": 0.25,
        "trend": trend_of([], found.to_dict()["features"]),
        "persistent": False,
        "persistence": [2, 3],
        "history": [],
        "captured": {
            "objects": 3, "read": current.num_rows, "outside": 1, "untimed": 0, "duplicate": 2,
            "unreadable": 0, "by_version": {"1": current.num_rows - 3}, "shards": 2,
        },
        "distributions": {name: found for name, found in pictures.items() if found},
        **changes,
    }  # fmt: skip


class Reader(HTMLParser):
    """Collect tags and text, and check that tags nest."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.open == []
    return reader


def test_a_column_named_script_stays_text():
    page = render_window_report(report(table(4000, moved=1.0, seed=1)))
    found = read(page)
    assert "script" not in found.tags
    assert "img" not in found.tags
    assert not [name for name, _ in found.attributes if name.startswith("on")]
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


def test_nothing_is_loaded_from_outside():
    page = render_window_report(report(table(4000, moved=1.0, seed=1)))
    found = read(page)
    assert not {name for name, _ in found.attributes} & {"src", "href", "srcset", "data", "action"}
    assert not re.search(r"https?://|url\(|@import", page)
    assert "default-src &#x27;none&#x27;" in page
    assert "prefers-color-scheme:dark" in page


def test_the_verdict_is_one_sentence_with_the_features_that_matter_first():
    page = render_window_report(report(table(4000, moved=1.0, seed=1)))
    assert re.search(r"Window 2013-03 drifted against the baseline of version 1: \d+ % of the model", page)
    cards = re.findall(r'<div class="feature"><div><h3>(.*?) <span', page[: page.index("What came closest")])
    assert cards == ["&lt;script&gt;alert(1)&lt;/script&gt;", "place"]


def test_what_could_not_be_determined_is_listed_with_its_reason():
    page = render_window_report(report(table(4000, seed=2)))
    assert "is stable against the baseline of version 1" in page
    part = page[page.index("What could not be determined") :]
    assert part.index("<code>empty</code>") < part.index("no value at all") < part.index("ALL_NULL")


def test_a_window_that_cannot_be_judged_shows_no_zero_drift():
    page = render_window_report(report(table(50, seed=2)))
    assert "cannot be judged against the baseline of version 1: too few rows to judge (50 rows)" in page
    assert "<dt>of the weight drifted</dt><dd>–</dd>" in page


@pytest.mark.parametrize(
    ("persistent", "said"),
    [(True, "The drift is persistent"), (False, "No drift persists"), (None, "cannot be told")],
)
def test_persistence_has_three_answers(persistent, said):
    history = [{"id": "2013-02", "verdict": "drifted"}]
    page = render_window_report(report(table(4000, seed=2), persistent=persistent, history=history))
    assert said in page
    assert "2013-02 drifted" in page


def test_the_same_report_gives_the_same_bytes():
    first, second = (render_window_report(report(table(4000, moved=1.0, seed=1))) for _ in range(2))
    assert first == second


def test_pictures_add_up_to_the_whole_on_both_sides():
    pictures = report(table(4000, moved=1.0, seed=1))["distributions"]
    assert "empty" not in pictures
    for found in pictures.values():
        for side in ("baseline", "current"):
            rest = found["rest"][side] if found["kind"] == "categorical" else 0
            assert sum(found[side]) + rest == pytest.approx(1, abs=1e-4)


def test_page_names_the_columns_that_part_and_says_that_the_verdict_is_not_theirs() -> None:
    found = report(table(4000, seed=3))
    together = {"components": 2, "reconstruction": 1.8, "reconstruction_limit": 1.1}
    correlation = {"correlation_change": 0.7, "correlation_limit": None, "pair": [NASTY, "steady"]}
    page = render_window_report(found | {"multivariate": together | correlation})
    assert "<script>alert(1)" not in page
    assert ", by 0.700, with too few slices of the baseline to tell what is usual" in page
    assert "leave 1.800 times as much" in page
    assert "more than the 1.100 that slices of the baseline stay under" in page
    assert "Columns together" in render_window_report(found)
    assert "Columns together" not in render_window_report(found | {"multivariate": None})


def test_effects_over_time_are_drawn_against_what_was_allowed_in_each_window():
    first = report(table(4000, seed=2)) | {"window": {"id": "2013-02", "from": "", "to": ""}}
    unknown = report(table(50, seed=2)) | {"window": {"id": "2013-01", "from": "", "to": ""}}
    now = report(table(4000, moved=1.0, seed=1))
    page = render_window_report(now | {"trend": trend_of([unknown, first], now["features"])})
    read(page)
    assert "Drifted weight and verdict of the last 3 windows" in page
    assert "<title>2013-01: not compared</title>" in page
    assert re.search(r"<title>2013-02: 0.\d\d sd, 0.03 allowed</title>", page)
    assert re.search(r"<title>2013-03: \d.\d\d sd, 0.03 allowed</title>", page)
    assert page.count("by window, in standard deviations") >= 2


def test_a_stable_window_shows_what_came_closest():
    page = render_window_report(report(table(4000, seed=2)))
    assert "What changed" not in page
    assert "What came closest" in page
    assert "Distribution of" in page


def test_too_few_rows_come_with_the_shift_that_they_would_have_shown():
    few, fewer = (report(table(rows, seed=2)) for rows in (150, 30))
    shifts = [
        smallest_shift(next(part for part in found["features"] if part["name"] == "steady"), found)
        for found in (few, fewer)
    ]
    assert shifts[0] is not None
    assert shifts[1] is not None
    assert 0.2 < shifts[0] < shifts[1] < 1
    page = render_window_report(few)
    assert f"a shift of {shifts[0]:.2f} sd" in page
    part = page[page.index("What could not be determined") :]
    assert "nothing" in part[part.index("<code>empty</code>") :]


def test_the_smallest_shift_of_an_unjudged_feature_is_what_a_judged_one_would_notice():
    judged = report(table(4000, seed=2))
    part = next(part for part in judged["features"] if part["name"] == "steady")
    tested = [one for one in judged["features"] if one["q_value"] is not None]
    as_if = smallest_shift(part | {"reason": "TOO_FEW_ROWS"}, judged | {"features": tested})
    assert as_if == pytest.approx(part["detectable_shift"])
