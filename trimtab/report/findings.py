"""What a year's numbers do and do not say, in plain words computed from them."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from trimtab.report.statistics import Correlation, pearson, spearman
from trimtab.report.words import count, listed, month_name, number, percent, plural, shortened, signed

type Month = Mapping[str, Any]

# A change of AUC smaller than this is called none: a month's AUC is uncertain by more.
VISIBLE_CHANGE = 0.005


def findings(summary: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """Return (heading, sentences) pairs; a heading for which there are no numbers is left out."""
    months: Sequence[Month] = summary["months"]
    topics = [
        ("Drift and the loss of quality", _drift_and_auc(months)),
        ("What drift was seen", _drift_seen(months)),
        ("Keeping the first model, or letting the gate decide", _champion_and_first(months)),
        ("What the gate decided", _gate(summary["versions"])),
        ("Brier score, base rate and skill", _brier(months)),
        ("Rows that were held back", _quarantine(months, summary.get("uploads") or [])),
    ]
    return [(title, found) for title, sentences in topics if (found := list(sentences))]


def _drift_and_auc(months: Sequence[Month]) -> Iterator[str]:
    changes = auc_changes(months)
    weights = [month.get("drift_weight") for month in months]
    found = pearson(weights, changes)
    if found is not None:
        yield (
            f"The weight of the drifted features and the change of AUC from the month before correlate with "
            f"r = {number(found.r, 2)} (n = {found.n}{_interval(found)}). {_meaning(found)}"
        )
    elif sum(change is not None for change in changes) >= 3:
        yield (
            "The weight of the drifted features hardly varied between months with a known change of AUC, so "
            "no correlation can be computed."
        )
    seen = [(month, change) for month, change in zip(months, changes, strict=True) if change is not None]
    for verdict, said in (("drifted", "saw drift"), ("stable", "saw none")):
        of_kind = [(month["month"], change) for month, change in seen if month.get("drift") == verdict]
        if of_kind:
            yield _fell_and_rose(said, of_kind)
    if found is not None and not (found.is_clear and found.r < 0):
        yield (
            "So drift is a reason to look and to try a new model, not a measure of damage: the gate decides "
            "on labels."
        )


def auc_changes(months: Sequence[Month]) -> list[float | None]:
    """Return the change of the champion's AUC from the month before, None for the first and around gaps."""
    values = [month.get("auc_champion") for month in months]
    later = [None if old is None or new is None else new - old for old, new in pairwise(values)]
    return [None, *later] if values else []


def _meaning(found: Correlation) -> str:
    if found.interval is None:
        return "That is too few months to say anything."
    if not found.is_clear:
        return "The interval holds zero: these months do not show that drift foretells a loss of AUC."
    if found.r < 0:
        return "More drift went with a loss of AUC here; one year is one observation of each season."
    return "More drift went with a gain of AUC here: drift did not foretell a loss."


def _interval(found: Correlation) -> str:
    if found.interval is None:
        return ""
    low, high = found.interval
    return f", 95 % interval {number(low, 2)} to {number(high, 2)}"


def _fell_and_rose(said: str, months: Sequence[tuple[str, float]]) -> str:
    moves = {
        "fell": [month_name(name) for name, change in months if change < -VISIBLE_CHANGE],
        "rose": [month_name(name) for name, change in months if change > VISIBLE_CHANGE],
        f"moved by less than {VISIBLE_CHANGE}": [
            month_name(name) for name, change in months if abs(change) <= VISIBLE_CHANGE
        ],
    }
    parts = [f"{move} in {len(names)} ({', '.join(names)})" for move, names in moves.items() if names]
    return f"Of the {plural(len(months), 'month')} that {said}, AUC {listed(parts)}."


def _drift_seen(months: Sequence[Month]) -> Iterator[str]:
    judged = [month for month in months if month.get("drift") in ("drifted", "stable")]
    drifted = [month for month in judged if month["drift"] == "drifted"]
    unknown = [month["month"] for month in months if month.get("drift") == "undetermined"]
    if judged:
        yield f"{len(drifted)} of {plural(len(judged), 'judged month')} drifted."
    if judged and 2 * len(drifted) > len(judged):
        yield (
            "Drift in most months of a year is what seasons look like from a model that has not seen them: a "
            "fact to report, not an emergency."
        )
    names = [name for month in drifted for name in month.get("features") or ()]
    if names:
        often = sorted(set(names), key=lambda name: (-names.count(name), name))
        shown = [f"{name} ({names.count(name)})" for name in often]
        yield f"Named most often, with the count of months: {shortened(shown, 5)}."
    if unknown:
        yield f"Not judged: {listed([month_name(name) for name in unknown])}; undetermined is not stable."


def _champion_and_first(months: Sequence[Month]) -> Iterator[str]:
    pairs = [
        (month["month"], month["auc_champion"], month["auc_version_1"])
        for month in months
        if month.get("auc_champion") is not None and month.get("auc_version_1") is not None
    ]
    if not pairs:
        return
    champion = sum(now for _, now, _ in pairs) / len(pairs)
    first = sum(then for _, _, then in pairs) / len(pairs)
    yield (
        f"Over {plural(len(pairs), 'month')} the champion of the time had a mean monthly AUC of "
        f"{number(champion)}, version 1 would have had {number(first)}: a difference of "
        f"{signed(champion - first)}."
    )
    differ = [(name, now - then) for name, now, then in pairs if abs(now - then) > 1e-9]
    better = [name for name, gain in differ if gain > 0]
    if differ:
        worst_name, worst = min(differ, key=lambda pair: pair[1])
        lost = f" Its worst month was {month_name(worst_name)} ({signed(worst)})." if worst < 0 else ""
        yield (
            f"Where the two differed, the champion was better in {len(better)} of {len(differ)} months.{lost}"
        )


def _gate(versions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not versions:
        return
    by_status: dict[str, list[str]] = {}
    for version in versions:
        by_status.setdefault(status_of(version), []).append(f"{version['version']}")
    parts = [f"{len(names)} {status} ({', '.join(names)})" for status, names in sorted(by_status.items())]
    yield f"Of {plural(len(versions), 'version')} trained: {listed(parts)}."
    if "rejected" in by_status:
        yield (
            "A rejected version is the gate at work: it was trained, judged on held-out days, and did not "
            "show what the gate asks for. Its reason stands in the table of versions."
        )


def status_of(version: Mapping[str, Any]) -> str:
    """Return a version's status in words."""
    return str(version.get("status") or "unknown").replace("_", " ")


def _brier(months: Sequence[Month]) -> Iterator[str]:
    late = [month.get("late_share") for month in months]
    found = spearman([month.get("brier") for month in months], late)
    if found is None:
        return
    yield (
        f"The Brier score and the share of positive labels have a rank correlation of {number(found.r, 2)} "
        f"(n = {found.n}{_interval(found)})."
    )
    if found.is_clear and found.r > 0.7:
        yield (
            "The Brier score moves with the base rate here, so by itself it is no sign of decay: skill, "
            "measured against each month's own base rate, is."
        )
    below = [month for month in months if month.get("skill") is not None and month["skill"] < 0]
    if below:
        named = listed([month_name(month["month"]) for month in below])
        ranked = all((month.get("auc_champion") or 0) > 0.55 for month in below)
        rest = ", though by its AUC the ranking was still of use" if ranked else ""
        yield (
            f"Skill was below zero in {named}: always answering the month's own base rate would have had the "
            f"better Brier score{rest}."
        )


def _quarantine(months: Sequence[Month], uploads: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    refused = [upload for upload in uploads if upload.get("verdict") == "refused"]
    held = [
        (f["file"], f["quarantined"], f["rows"])
        for f in uploads
        if f.get("quarantined") and f.get("verdict") != "refused"
    ]
    if held:
        rows = sum(bad for _, bad, _ in held)
        files = shortened([f"{file} ({count(bad)} of {count(whole)})" for file, bad, whole in held], 4)
        yield f"{plural(rows, 'row')} were quarantined, the rest of their files went on: {files}."
    elif any(month.get("quarantined") for month in months):
        rows = sum(month.get("quarantined") or 0 for month in months)
        whole = sum(month.get("rows") or 0 for month in months)
        share = percent(rows / whole, 2) if whole else "an unknown share"
        yield f"{plural(rows, 'row')} were quarantined, {share} of those that came in."
    for upload in refused:
        yield f"{upload['file']} was refused whole: {upload.get('reason') or 'no reason was recorded'}"
