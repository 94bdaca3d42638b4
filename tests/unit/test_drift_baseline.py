"""Baselines: weights, slices and bytes."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trimtab.drift import Baseline
from trimtab.errors import BadInput, Conflict
from trimtab.profile import Grid, Kind, Profile

KINDS: dict[str, Kind] = {"a": "numeric", "b": "categorical", "score": "numeric"}


def table_of(**columns: Any) -> pa.Table:
    return pa.table(columns)


@pytest.fixture
def profile() -> Profile:
    rng = np.random.default_rng(0)
    table = table_of(a=rng.normal(size=300), b=rng.choice(["x", "y"], 300))
    return Profile.of(Grid.from_table(table, KINDS), table)


def test_bytes_read_back_are_the_same_baseline(profile: Profile) -> None:
    baseline = Baseline(profile, (profile, profile + profile), {"a": 0.75, "b": 0.25})
    again = Baseline.from_bytes(baseline.to_bytes())
    assert again.key == baseline.key
    assert again.to_bytes() == baseline.to_bytes()
    assert (again.profile, again.slices, again.weights) == (profile, baseline.slices, {"a": 0.75, "b": 0.25})


def test_order_of_the_weights_leaves_no_trace(profile: Profile) -> None:
    first, second = Baseline(profile, (), {"a": 1, "b": 2}), Baseline(profile, (), {"b": 2.0, "a": 1.0})
    assert first.to_bytes() == second.to_bytes()


def test_shares_sum_to_one_and_an_unweighted_score_is_average(profile: Profile) -> None:
    shares = Baseline(profile, (), {"a": 3.0, "b": 1.0}).shares
    assert shares == pytest.approx({"a": 0.5, "b": 1 / 6, "score": 1 / 3})
    assert Baseline(profile, (), {"a": 1.0, "b": 1.0, "score": 2.0}).shares["score"] == 0.5


@pytest.mark.parametrize("weights", [{}, {"a": 0.0, "b": 0.0}])
def test_columns_weigh_the_same_without_weights(profile: Profile, weights: dict[str, float]) -> None:
    assert Baseline(profile, (), weights).shares == pytest.approx(dict.fromkeys(KINDS, 1 / 3))


@pytest.mark.parametrize("weights", [{"z": 1.0}, {"a": -0.1}, {"a": float("nan")}])
def test_senseless_weights_are_refused(profile: Profile, weights: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="weight of"):
        Baseline(profile, (), weights)


def test_slices_of_another_grid_are_refused(profile: Profile) -> None:
    other = Profile.empty(Grid.from_table(table_of(a=[1.0, 5.0], b=["x", "y"]), KINDS))
    with pytest.raises(Conflict, match="unequal grids"):
        Baseline(profile, (other,))


def test_damaged_bytes_are_refused(profile: Profile) -> None:
    data = Baseline(profile).to_bytes()
    for broken in (b"", data[:-3], data[:40], profile.to_bytes(), data + b"x"):
        with pytest.raises(BadInput):
            Baseline.from_bytes(broken)
