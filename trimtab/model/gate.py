"""The gate: may a challenger replace the champion? Judged on held-out days that neither was trained on."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["passed", "rejected", "undetermined"]
# No honest column ranks the outcome without an error: what does knows it already.
MOST_OF_ONE_COLUMN = 0.999


@dataclass(frozen=True, slots=True, kw_only=True)
class Floors:
    """What a challenger must show: `[gate]` of the project's project.toml."""

    min_auc: float
    confidence: float
    min_gain: float
    minimum_blocks: int
    leak_waiver: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The gate's answer; `reason` says it in words, with the numbers."""

    verdict: Verdict
    reason: str

    def to_dict(self) -> dict[str, str]:
        """Return the judgement as plain data."""
        return asdict(self)


def judge(evaluation: Mapping[str, Any], floors: Floors, champion: int | None) -> Judgement:
    """Judge an evaluation: leaks and floors first, then against the champion's version, where there is one.

    What cannot be computed is undetermined and left to a person; it never passes.
    """
    return (
        _leaking(evaluation, floors)
        or _below_floors(evaluation, floors)
        or (_beaten_by_champion(evaluation, floors, champion) if champion is not None else None)
        or Judgement(verdict="passed", reason=_praise(evaluation, champion))
    )


def champion_changed(compared_with: int | None, now: int | None) -> Judgement:
    """Return the judgement on a challenger that was compared with what is no longer the champion."""
    then = f"version {compared_with}" if compared_with is not None else "no champion"
    reason = f"it was compared with {then}, but meanwhile version {now} is the champion"
    return Judgement(verdict="undetermined", reason=reason)


def _leaking(evaluation: Mapping[str, Any], floors: Floors) -> Judgement | None:
    """Refuse a model whose data gives the label away; older evaluations list none."""
    for leak in evaluation.get("leaks", ()):
        why = _leak_in_words(leak)
        if why is not None and leak["column"] not in floors.leak_waiver:
            reason = (
                f"column {leak['column']!r} {why}: it probably holds the outcome, which no request has. "
                "Take it out of [features] in project.toml; if it is honest, list it in gate.leak_waiver "
                "there and say why"
            )
            return Judgement(verdict="rejected", reason=reason)
    return None


def _leak_in_words(leak: Mapping[str, Any]) -> str | None:
    if leak["named"]:
        return "has the name of the label or of the prediction's id"
    if leak["auc"] > MOST_OF_ONE_COLUMN:
        return f"alone tells the label with an AUC of {leak['auc']:.4f}"
    if (leak["correlation"] or 0.0) > MOST_OF_ONE_COLUMN:
        return f"correlates with the label by {leak['correlation']:.4f}"
    return None


def _below_floors(evaluation: Mapping[str, Any], floors: Floors) -> Judgement | None:
    auc = evaluation["challenger"]["auc"]
    if auc is None:
        return Judgement(verdict="undetermined", reason="the held-out days have labels of one kind only")
    if auc < floors.min_auc:
        return Judgement(verdict="rejected", reason=f"AUC {auc:.4f} is below gate.min_auc {floors.min_auc}")
    return _compared("a constant prediction", evaluation["over_baseline"], floors, min_gain=0.0)


def _beaten_by_champion(evaluation: Mapping[str, Any], floors: Floors, champion: int) -> Judgement | None:
    scored = evaluation["champion"]
    comparable = scored is not None and int(scored["version"]) == champion
    gain = evaluation["over_champion"] if comparable else None
    return _compared(f"version {champion}", gain, floors, min_gain=floors.min_gain)


def _compared(
    rival: str, gain: Mapping[str, Any] | None, floors: Floors, *, min_gain: float
) -> Judgement | None:
    if gain is None or gain["mean"] is None or gain["share_positive"] is None:
        reason = f"it could not be compared with {rival} on days that come after the data of both"
        return Judgement(verdict="undetermined", reason=reason)
    if gain["blocks"] < floors.minimum_blocks:
        reason = (
            f"compared with {rival} on {gain['blocks']} held-out days; gate.minimum_blocks asks for "
            f"{floors.minimum_blocks}"
        )
        return Judgement(verdict="undetermined", reason=reason)
    if gain["mean"] <= min_gain or gain["share_positive"] < floors.confidence:
        reason = (
            f"AUC differs from that of {rival} by {_gain(gain)}; a gain above {min_gain} in "
            f"{floors.confidence:.0%} of the resamples is needed"
        )
        return Judgement(verdict="rejected", reason=reason)
    return None


def _praise(evaluation: Mapping[str, Any], champion: int | None) -> str:
    auc = evaluation["challenger"]["auc"]
    if champion is None:
        return f"first model: AUC {auc:.4f}, {_gain(evaluation['over_baseline'])} over a constant prediction"
    return f"AUC {auc:.4f}, {_gain(evaluation['over_champion'])} over version {champion}"


def _gain(gain: Mapping[str, Any]) -> str:
    return (
        f"{gain['mean']:+.4f} ({gain['low']:+.4f} to {gain['high']:+.4f} at {gain['confidence']:.0%}, "
        f"positive in {gain['share_positive']:.0%} of the resamples)"
    )
