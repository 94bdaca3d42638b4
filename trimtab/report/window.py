"""The report of one window: the verdict in a sentence, the features behind it, and what could not be told."""

from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.instants import parse_time
from trimtab.report.cards import changed, in_sd
from trimtab.report.charts import bar_chart, both_widths, legend
from trimtab.report.markup import Content, Markup, joined, tag
from trimtab.report.outcome import predictions_and_labels
from trimtab.report.page import badge, figures, page, paragraphs, section, table
from trimtab.report.together import moving_together
from trimtab.report.unknown import could_not_be_determined, main_reason, share_judged
from trimtab.report.words import (
    compact,
    count,
    day,
    listed,
    number,
    percent,
    plural,
    shortened,
    window_name,
)

type Facts = Mapping[str, Any]

_SIGNS = {"drifted": "▲", "stable": "●", "undetermined": "?"}


def render_window_report(report: Facts) -> str:
    """Render a window's report as one HTML file.

    `report` is what `trimtab.drift.Report.to_dict` gives, together with project, environment, window {id,
    from, to}, champion_version, persistent, persistence [m, n], history [{id, verdict}], captured (how many
    rows were read and left out, and of which version) and distributions by feature; with `performance` once
    labels have come.
    """
    features = report["features"]
    return page(
        f"{report['project']}: window {report['window']['id']} {report['verdict']}",
        _header(report, features),
        changed(report),
        _over_time(report),
        predictions_and_labels(report),
        could_not_be_determined(report),
        all_features(report, features),
        moving_together(report),
        _rows(report),
        _method(report),
    )


def by_weight_and_effect(features: Sequence[Facts]) -> list[Facts]:
    """Sort features by weight times effect, the largest first."""
    return sorted(features, key=lambda part: (-part["weight"] * (part["effect"] or 0.0), part["name"]))


def verdict_sentence(report: Facts, window_id: str, version: object) -> str:
    """Say the verdict in one sentence."""
    rows = report["rows"]["current"]
    drifted = [part["name"] for part in report["features"] if part["verdict"] == "drifted"]
    against = (
        f"against the baseline of version {version}"
        if version is not None
        else "without a champion's baseline"
    )
    if report["verdict"] == "undetermined":
        return (
            f"Window {window_id} cannot be judged {against}: {main_reason(report)} ({plural(rows, 'row')})."
        )
    if report["verdict"] == "drifted":
        return (
            f"Window {window_id} drifted {against}: {percent(report['weight'])} of the model's weight lies "
            f"in {plural(len(drifted), 'feature')} that changed, first of all {shortened(drifted, 3)}."
        )
    if drifted:
        return (
            f"Window {window_id} is stable {against}: {shortened(drifted, 3)} changed, but carry only "
            f"{percent(report['weight'])} of the model's weight."
        )
    return f"Window {window_id} is stable {against}: no feature changed by more than it is used to."


def _header(report: Facts, features: Sequence[Facts]) -> Markup:
    window = report["window"]
    span = f"{day(parse_time(window['from']))} up to, not including, {day(parse_time(window['to']))}, UTC"
    return tag(
        "header",
        tag("p", f"{report['project']} · {report['environment']} · {span}", class_="over"),
        tag("h1", joined(f"Window {window['id']} ", badge(report["verdict"]))),
        tag("p", verdict_sentence(report, window["id"], report.get("champion_version")), class_="verdict"),
        tag("p", _persistence(report)),
        figures(
            (
                count(report["rows"]["current"]),
                "rows in the window",
                f"{count(report['rows']['baseline'])} in the baseline",
            ),
            (_drifted_weight(report), "of the weight drifted", ""),
            (percent(report["undetermined_weight"]), "of the weight not judged", ""),
            (share_judged(features), "features judged", ""),
        ),
    )


def _drifted_weight(report: Facts) -> str:
    """Write the drifted weight; what nobody could judge is not zero."""
    return "–" if report["verdict"] == "undetermined" else percent(report["weight"])


def _persistence(report: Facts) -> str:
    needed, of = report["persistence"]
    said = {
        True: "The drift is persistent",
        False: "The drift is not persistent" if report["verdict"] == "drifted" else "No drift persists",
        None: "Whether drift persists cannot be told",
    }[report["persistent"]]
    earlier = [f"{entry['id']} {entry['verdict']}" for entry in report["history"]]
    told = f" Before it, against the same champion: {listed(earlier)}." if earlier else ""
    return f"{said}: the rule is {needed} of {of} windows.{told}"


def _over_time(report: Facts) -> Markup | None:
    """Draw the drifted weight of this window beside that of the windows before."""
    earlier = report["trend"]["windows"]
    if not earlier:
        return None
    now = {
        "id": report["window"]["id"],
        "verdict": report["verdict"],
        "weight": report["weight"],
        "champion_version": report["champion_version"],
    }
    windows = [*earlier, now]
    bars = [
        (None if one["verdict"] == "undetermined" else one["weight"], one["verdict"], _SIGNS[one["verdict"]])
        for one in windows
    ]
    labels = [window_name(one["id"]) for one in windows]
    title = f"Drifted weight and verdict of the last {plural(len(windows), 'window')}"
    return section(
        "Over time",
        legend(*((name, f"{sign} {name}") for name, sign in _SIGNS.items())),
        both_widths(
            lambda width: bar_chart(labels, bars, width=width, title=title),
            f"Height: the share of the model's weight that lies in drifted features; from "
            f"{percent(report['drifts_from'])} on, the window has drifted. {_compared(windows)}",
        ),
    )


def _compared(windows: Sequence[Facts]) -> str:
    """Say with which champions the windows were compared."""
    versions = list(dict.fromkeys(one["champion_version"] for one in windows))
    named = [f"version {version}" if version is not None else "no champion" for version in versions]
    if len(named) == 1:
        return f"All were compared with the baseline of {named[0]}."
    return f"They were compared with the baselines of {listed(named)}, in that order."


def all_features(report: Facts, features: Sequence[Facts]) -> Markup:
    """List every feature with its verdict, shift, distances and what these rows would have noticed."""
    columns = [
        ("Feature", ""), ("Verdict", ""), ("Weight", "right"), ("q", "right"), ("Shift", "right"),
        ("Allowed", "right"), ("PSI", "right"), ("KS", "right"), ("Null", "right"),
        ("Notices", "right"),
    ]  # fmt: skip
    rows: list[list[Content]] = []
    for part in features:
        effects = part["effects"]
        shift = part.get("detectable_shift")
        rows.append([
            part["name"], badge(part["verdict"]), percent(part["weight"], 1), compact(part["q_value"]),
            in_sd(part["effect"]), in_sd(part["tolerance"]), number(effects.get("psi")),
            number(effects.get("ks")), percent(effects.get("missing"), 1),
            "–" if shift is None else f"{number(shift, 2)} sd",
        ])  # fmt: skip
    note = (
        f"A feature drifted if q is at most {compact(report['alpha'])} and its shift over what is allowed. "
        "“Notices” is the shift that this many rows reveal four times out of five."
    )
    return section("All features", table("All features", columns, rows, note=note))


def _rows(report: Facts) -> Markup:
    rows = report["captured"]
    notes = [
        f"{plural(rows['read'], 'captured row')} were read from {plural(rows['objects'], 'object')}.",
        f"{count(rows['outside'])} had an event time outside the window, {count(rows['untimed'])} had none, "
        f"and {count(rows['duplicate'])} repeated the id of another row and were left out.",
    ]
    if "table" in rows:
        notes = [f"{plural(rows['read'], 'row')} of table {rows['table']} had an event time in the window."]
    versions = rows["by_version"]
    if versions:
        said = [f"version {name} scored {count(number_of)}" for name, number_of in sorted(versions.items())]
        notes.append(f"Of the rows that were kept, {listed(said)}.")
    return section("Which rows", paragraphs(*notes))


def _method(report: Facts) -> Markup:
    version = report["champion_version"]
    champion = (
        f"The window is compared with the training data of version {version}, champion when it ended."
        if version is not None
        else "There was no champion at the window's end, so there is nothing to compare with."
    )
    return section(
        "How this was judged",
        paragraphs(
            champion,
            _season(report.get("season")),
            _tolerance(report),
            "q-values are corrected for the number of features. A change of season is drift as well: a fact "
            "to look at, and a reason to try a new model, which the gate then judges on labels.",
        ),
        tag("p", "Grid ", tag("code", str(report["grid"])[:16]), class_="note"),
    )


def _season(season: Facts | None) -> str | None:
    if season is None:
        return None
    if season["known"]:
        return f"Of the training data only what is of the window's own season counts: {season['name']}."
    return (
        f"The training data has no slice of the window's season, {season['name']}, so all of it counts: a "
        "change of season may be among what changed."
    )


def _tolerance(report: Facts) -> str | None:
    if all(part["verdict"] == "undetermined" for part in report["features"]):
        return None
    if report["calibrated"]:
        return "How much a feature may wobble was learned from slices of the training data."
    return (
        "For at least one feature the tolerance is a default: the training data has too few whole weeks to "
        "learn from how much it wobbles by itself."
    )
