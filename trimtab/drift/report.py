"""What a comparison found, per feature and for the model, as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Literal

from trimtab.drift.multivariate import Multivariate

type Verdict = Literal["drifted", "stable", "undetermined"]

SCHEMA = 1


class Reason(StrEnum):
    """Why a feature cannot be judged."""

    TOO_FEW_ROWS = "TOO_FEW_ROWS"
    TOO_FEW_VALUES = "TOO_FEW_VALUES"  # enough rows, too many of them null
    ALL_NULL = "ALL_NULL"
    NO_BASELINE = "NO_BASELINE"
    HIGH_CARDINALITY = "HIGH_CARDINALITY"
    ABSENT = "ABSENT"
    OFF_GRID = "OFF_GRID"  # too many values, then and now, where the project's grid tells none apart
    COARSE_BASELINE = "COARSE_BASELINE"  # known from a sketch that is worth too few rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """The finding on one feature.

    `effects` are for people; None where one does not apply. `effect` and `tolerance` belong to `component`,
    the test that speaks loudest; they are squared shifts, and the tolerance is the larger of what matters and
    of what is usual. `q_value` is corrected for the number of features
    tested; None if this one was not. `detectable_shift`, in standard deviations, is what this many rows would
    notice four times out of five. `weight` is the feature's share of the model's weight.
    """

    name: str
    kind: str
    verdict: Verdict
    reason: Reason | None
    weight: float
    q_value: float | None
    component: str | None
    effect: float | None
    tolerance: float | None
    calibrated: bool
    detectable_shift: float | None
    effects: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The finding on a window: the model's verdict and its features, the most drifted first.

    `weight` and `undetermined_weight` are the shares of the model's weight on drifted and on undetermined
    features; `alpha` is the level that q-values are held against; `calibrated` says that tolerances of all
    judged features were learned from the baseline's slices. `multivariate` is there if second moments are.
    """

    verdict: Verdict
    reason: Reason | None
    baseline_rows: int
    current_rows: int
    weight: float
    undetermined_weight: float
    alpha: float
    calibrated: bool
    grid: str
    features: tuple[Feature, ...]
    multivariate: Multivariate | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON-able data; there is never a NaN in it."""
        features = [{**asdict(feature), "effects": dict(feature.effects)} for feature in self.features]
        return {
            "schema": SCHEMA,
            "verdict": self.verdict,
            "reason": self.reason,
            "rows": {"baseline": self.baseline_rows, "current": self.current_rows},
            "weight": self.weight,
            "undetermined_weight": self.undetermined_weight,
            "alpha": self.alpha,
            "calibrated": self.calibrated,
            "grid": self.grid,
            "features": features,
            "multivariate": self.multivariate.to_dict() if self.multivariate else None,
        }
