"""The report of one window: the verdict in a sentence, the features behind it, and what could not be told."""

from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.instants import parse_time
from trimtab.report.charts import overlay, paired_bars
from trimtab.report.markup import Content, Markup, joined, tag
from trimtab.report.page import badge, figures, page, paragraphs, section, table
from trimtab.report.together import moving_together
from trimtab.report.words import count, day, listed, number, percent, plural, shortened

type Facts = Mapping[str, Any]

_REASONS = {
    "TOO_FEW_ROWS": "too few rows to judge",
    "TOO_FEW_VALUES": "enough rows, but too many of them are null",
    "ALL_NULL": "no value at all, on one side or on both",
    "NO_BASELINE": "the champion has no baseline to compare with",
    "HIGH_CARDINALITY": "too many different values, most of them there once",
    "ABSENT": "the column did not come in this window",
    "OFF_GRID": "too many values where the project's grid tells none apart; fit the grid again",
}
_COMPONENTS = {
    "location": "its values moved as a whole",
    "shape": "its values moved or spread differently",
    "histogram": "its values, or its categories, are mixed differently",
    "missing": "its share of nulls changed",
    "unseen": "it holds values that the baseline has not",
    "hour": "its hours of the day are mixed differently",
    "weekday": "its days of the week are mixed differently",
}
_EFFECTS = (("psi", "PSI"), ("js", "JS"), ("ks", "KS"), ("wasserstein", "Wasserstein"))
_SHARES = (("unseen", "unseen"), ("out_of_range", "out of range"))
_DRAWN = 12


def render_window_report(report: Facts) -> str:
    """Render a window's report as one HTML file.

    `report` is what `trimtab.drift.Report.to_dict` gives, together with project, environment, window {id,
    from, to}, champion_version, persistent, persistence [m, n], history [{id, verdict}], captured (how many
    rows were read and left out, and of which version) and distributions by feature.
    """
    features = by_weight_and_effect(report["features"])
    return page(
        f"{report['project']}: window {report['window']['id']} {report['verdict']}",
        _header(report, features),
        _drifted(report, features),
        _unknown(features),
        _all(report, features),
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
    drifted = [
        part["name"] for part in by_weight_and_effect(report["features"]) if part["verdict"] == "drifted"
    ]
    against = (
        f"against the baseline of version {version}"
        if version is not None
        else "without a champion's baseline"
    )
    if report["verdict"] == "undetermined":
        why = _REASONS.get(str(report["reason"]), "not enough of it can be judged")
        return f"Window {window_id} cannot be judged {against}: {why} ({plural(rows, 'row')})."
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
    known = sum(part["verdict"] != "undetermined" for part in features)
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
            (f"{known} of {len(features)}", "features judged", ""),
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


def _drifted(report: Facts, features: Sequence[Facts]) -> Markup | None:
    found = [part for part in features if part["verdict"] == "drifted"]
    if not found:
        return None
    pictures = report["distributions"]
    cards = [_card(part, pictures.get(part["name"])) for part in found[:_DRAWN]]
    rest = f"{len(found) - _DRAWN} more are in the table below." if len(found) > _DRAWN else None
    return section(
        "What changed",
        tag("div", *cards, class_="features"),
        tag("p", rest, class_="note") if rest else None,
        lead="Sorted by weight times effect. Filled: the baseline. Line: this window.",
    )


def _card(part: Facts, picture: Facts | None) -> Markup:
    facts = [f"{percent(part['weight'], 1)} of the weight"]
    if part["q_value"] is not None:
        facts.append(f"q {_small(part['q_value'])}")
    if part["effect"] is not None:
        facts.append(f"effect {_small(part['effect'])} against a tolerance of {_small(part['tolerance'])}")
    return tag(
        "div",
        tag("h3", part["name"]),
        tag("p", _what(part)),
        tag("p", "; ".join(facts), class_="note"),
        tag("p", _effects(part["effects"]), class_="note"),
        _figure(part["name"], picture),
        class_="feature",
    )


def _what(part: Facts) -> str:
    said = _COMPONENTS.get(str(part["component"]), f"the test of {part['component']} speaks loudest")
    return f"{said[0].upper()}{said[1:]}."


def _figure(name: str, picture: Facts | None) -> Markup | None:
    if picture is None:
        return None
    title = f"Distribution of {name}, baseline and this window"
    if picture["kind"] == "numeric":
        ends = (_short(picture["low"]), _short(picture["high"]))
        return tag("figure", overlay(picture["baseline"], picture["current"], title=title, labels=ends))
    rows = list(zip(picture["names"], picture["baseline"], picture["current"], strict=True))
    rest = picture["rest"]
    if rest["categories"]:
        rows.append((f"{rest['categories']} others", rest["baseline"], rest["current"]))
    return tag("figure", paired_bars(rows, title=title))


def _unknown(features: Sequence[Facts]) -> Markup | None:
    unknown = [part for part in features if part["verdict"] == "undetermined"]
    if not unknown:
        return None
    by_reason: dict[str, list[Facts]] = {}
    for part in unknown:
        by_reason.setdefault(str(part["reason"]), []).append(part)
    items = []
    for reason, parts in sorted(by_reason.items()):
        weight = sum(part["weight"] for part in parts)
        names = joined(*(joined(", " if at else None, tag("code", p["name"])) for at, p in enumerate(parts)))
        said = _REASONS.get(reason, reason)
        items.append(
            tag("li", names, f": {said} ({percent(weight, 1)} of the weight, ", tag("code", reason), ").")
        )
    lead = "Undetermined is not stable: nothing is claimed about these."
    return section("What could not be determined", tag("ul", *items, class_="plain"), lead=lead)


def _all(report: Facts, features: Sequence[Facts]) -> Markup:
    columns = [
        ("Feature", ""), ("Verdict", ""), ("Weight", "right"), ("q", "right"), ("Effect", "right"),
        ("Tolerance", "right"), ("PSI", "right"), ("KS", "right"), ("Null", "right"),
        ("Notices", "right"),
    ]  # fmt: skip
    rows: list[list[Content]] = []
    for part in features:
        effects = part["effects"]
        shift = part.get("detectable_shift")
        rows.append([
            part["name"], badge(part["verdict"]), percent(part["weight"], 1), _small(part["q_value"]),
            _small(part["effect"]), _small(part["tolerance"]), number(effects.get("psi")),
            number(effects.get("ks")), percent(effects.get("missing"), 1),
            "–" if shift is None else f"{number(shift, 2)} sd",
        ])  # fmt: skip
    note = (
        f"A feature drifted if q is at most {_small(report['alpha'])} and its effect over its tolerance. "
        "“Notices” is the shift that this many rows reveal four times out of five."
    )
    return section("All features", table("All features", columns, rows, note=note))


def _rows(report: Facts) -> Markup:
    rows = report["captured"]
    notes = [
        f"{plural(rows['read'], 'captured row')} were read from {plural(rows['objects'], 'object')}.",
        f"{count(rows['outside'])} had an event time outside the window, {count(rows['untimed'])} had none, "
        f"and {count(rows['duplicate'])} repeated the id of another row of their shard and were left out.",
    ]
    versions = rows["by_version"]
    if versions:
        said = [f"version {name} scored {count(number_of)}" for name, number_of in sorted(versions.items())]
        notes.append(f"Of the rows that were kept, {listed(said)}.")
    if rows["shards"] > 1:
        notes.append(
            "A row that came twice in different shards is counted twice: ids are compared within a shard."
        )
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
            _tolerance(report),
            "q-values are corrected for the number of features. A change of season is drift as well: a fact "
            "to look at, and a reason to try a new model, which the gate then judges on labels.",
        ),
        tag("p", "Grid ", tag("code", str(report["grid"])[:16]), class_="note"),
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


def _effects(effects: Facts) -> str:
    parts = [f"{title} {number(effects[name])}" for name, title in _EFFECTS if effects.get(name) is not None]
    parts += [f"{title} {percent(effects[name], 1)}" for name, title in _SHARES if effects.get(name)]
    nulls, change = effects.get("missing"), effects.get("missing_change")
    if nulls is not None and change is not None and max(nulls, nulls - change) > 0:
        parts.append(f"null {percent(nulls, 1)}, was {percent(max(0.0, nulls - change), 1)}")
    return ", ".join(parts)


def _small(value: float | None) -> str:
    """Write a number that may be very small."""
    if value is None:
        return "–"
    if value == 0:
        return "0"
    if abs(value) < 1e-9:
        return "< 1e-9"
    return f"{value:.1e}" if abs(value) < 0.001 else number(value, 4)


def _short(value: float) -> str:
    return f"{value:,.4g}".replace("-", "−")
