"""The report of a year: what came in, what was trained, what the gate let through, and what it was worth."""

from collections.abc import Mapping, Sequence
from typing import Any

from trimtab.report.charts import Series, bar_chart, both_widths, legend, line_chart, stacked_bar
from trimtab.report.findings import findings, status_of
from trimtab.report.lineage import lineage_tree
from trimtab.report.markup import Content, Markup, joined, tag
from trimtab.report.page import badge, figures, page, paragraphs, section, table
from trimtab.report.words import count, listed, month_name, number, percent, plural, shortened, signed

type Summary = Mapping[str, Any]
type Month = Mapping[str, Any]

_VERDICTS = (
    ("drifted", "▲", "drifted"),
    ("stable", "●", "stable"),
    ("undetermined", "?", "undetermined"),
)
_WERE_CHAMPION = ("champion", "retired", "rolled_back")
_TERMS = (
    ("AUC", "how well the score ranks: the chance that a positive row scores higher than a negative one."),
    (
        "Brier score",
        "mean squared distance of score and label; lower is better, and it moves with the base rate.",
    ),
    (
        "Skill",
        "share of the Brier score that the model saves over always answering the month's own base rate.",
    ),
    ("Drift weight", "share of the model's feature importance that lies in features which drifted."),
    ("Quarantined", "rows that broke the contract; they were kept aside and never trained a model."),
)


def render_year_report(summary: Summary) -> str:
    """Render a year's summary as one HTML file."""
    project = str(summary.get("project") or "project")
    months: Sequence[Month] = summary["months"]
    return page(
        f"{project}: the loop over {_span(months)}",
        _header(project, summary, months),
        _quality(months),
        _drift(months),
        _told(summary),
        _month_table(months),
        _diary(months),
        _uploads(summary.get("uploads") or []),
        _versions(summary["versions"]),
        _lineage(summary.get("lineage")),
        _rollback(summary.get("rollback")),
        _timings(summary.get("seconds") or {}, summary.get("peak_memory_mb")),
        tag("footer", tag("dl", *(_term(*term) for term in _TERMS), class_="terms")),
    )


def _span(months: Sequence[Month]) -> str:
    if not months:
        return "no month"
    first, last = months[0]["month"], months[-1]["month"]
    if first[:4] == last[:4]:
        return f"{month_name(first, year=True).rsplit(' ', 1)[0]} to {month_name(last, year=True)}"
    return f"{month_name(first, year=True)} to {month_name(last, year=True)}"


def _header(project: str, summary: Summary, months: Sequence[Month]) -> Markup:
    versions = summary["versions"]
    promoted = _promoted(summary)
    champion, first = _overall(summary, "champion"), _overall(summary, "version_1")
    drifted = sum(month.get("drift") == "drifted" for month in months)
    rows = sum(month.get("rows") or 0 for month in months)
    gain = signed(champion - first) + " against keeping version 1" if champion and first else ""
    verdict = (
        f"{plural(rows, 'prediction was', 'predictions were')} made in {plural(len(months), 'month')}. "
        f"{plural(len(versions), 'model was trained', 'models were trained')}, {promoted} became champion, "
        f"and {plural(drifted, 'month')} drifted."
    )
    return tag(
        "header",
        tag("p", f"{project} · {_span(months)}", class_="over"),
        tag("h1", "The year, and what the loop made of it"),
        tag("p", verdict, class_="verdict"),
        figures(
            (number(champion), "AUC over all rows, champion of the time", gain),
            (number(first), "AUC over all rows, had version 1 stayed", ""),
            (f"{promoted} of {len(versions)}", "versions promoted", "by the gate, on held-out days"),
            (f"{drifted} of {len(months)}", "months drifted", ""),
        ),
    )


def _promoted(summary: Summary) -> int:
    policy = summary.get("policy") or {}
    if "promoted" in policy:
        return int(policy["promoted"])
    return sum(version.get("status") in _WERE_CHAMPION for version in summary["versions"])


def _overall(summary: Summary, who: str) -> float | None:
    """Return the AUC over all rows if the summary has it, else the mean of the months."""
    given = (summary.get("auc") or {}).get(who)
    if given is not None:
        return float(given)
    key = "auc_champion" if who == "champion" else f"auc_{who}"
    known = [month[key] for month in summary["months"] if month.get(key) is not None]
    return sum(known) / len(known) if known else None


def _quality(months: Sequence[Month]) -> Markup:
    labels = [month_name(month["month"]) for month in months]
    series = (
        Series("champion of the time", "now", [month.get("auc_champion") for month in months]),
        Series("version 1", "then", [month.get("auc_version_1") for month in months]),
    )
    marks = _promotions(months)
    title = f"AUC by month: the champion of the time and version 1, {_span(months)}"
    chart = both_widths(
        lambda width: line_chart(labels, series, marks, width=width, title=title),
        "Each point is one month's traffic, scored when it came in and compared with the labels that came "
        "later. The axis does not start at zero.",
    )
    return section(
        "How well it predicted",
        legend(
            ("now", "champion of the time"), ("then", "version 1, had it stayed"), ("mark", "new champion")
        ),
        chart,
    )


def _promotions(months: Sequence[Month]) -> list[tuple[int, str]]:
    """Mark the months at whose end another version was champion than at the end of the month before."""
    marks, before = [], None
    for position, month in enumerate(months):
        version = month.get("champion_version")
        if version is not None and before is not None and version != before:
            marks.append((position, f"v{version}"))
        before = version if version is not None else before
    return marks


def _drift(months: Sequence[Month]) -> Markup:
    signs = {verdict: sign for verdict, sign, _ in _VERDICTS}
    bars = [
        (
            month.get("drift_weight"),
            str(month.get("drift") or "undetermined"),
            signs.get(month.get("drift") or "", "?"),
        )
        for month in months
    ]
    labels = [month_name(month["month"]) for month in months]
    title = f"Drift weight and verdict by month, {_span(months)}"
    return section(
        "Drift, month by month",
        legend(*((look, f"{sign} {name}") for look, sign, name in _VERDICTS)),
        both_widths(
            lambda width: bar_chart(labels, bars, width=width, title=title),
            "Height: the share of the model's importance that lies in drifted features, against the baseline "
            "of the champion at the month's end.",
        ),
    )


def _told(summary: Summary) -> Markup:
    parts: list[Markup] = []
    for title, sentences in findings(summary):
        parts += [tag("h3", title), paragraphs(*sentences)]
    return section(
        "What drift did and did not tell here",
        *parts,
        lead="Computed from this year's numbers; one year, one data set.",
    )


def _month_table(months: Sequence[Month]) -> Markup:
    columns = [
        ("Month", ""), ("Rows", "right"), ("Held back", "right"), ("Drift", ""), ("Weight", "right"),
        ("Champion", "right"), ("AUC", "right"), ("of v1", "right"), ("Positive", "right"),
        ("Brier", "right"), ("Skill", "right"),
    ]  # fmt: skip
    rows: list[list[Content]] = [
        [
            month_name(month["month"]), count(month.get("rows")), count(month.get("quarantined")),
            badge(str(month.get("drift") or "undetermined")), number(month.get("drift_weight"), 2),
            _champions(month), number(month.get("auc_champion")), number(month.get("auc_version_1")),
            percent(month.get("late_share")), number(month.get("brier")), number(month.get("skill")),
        ]
        for month in months
    ]  # fmt: skip
    note = "Quality needs labels: a dash stands where they have not come yet, or where nothing can be told."
    return section("The months in numbers", table("The months in numbers", columns, rows, note=note))


def _diary(months: Sequence[Month]) -> Markup:
    columns = [("Month", ""), ("Drifted, mainly in", ""), ("What happened", "")]
    rows: list[list[Content]] = [
        [
            month_name(month["month"]),
            shortened(list(month.get("features") or ()), 3) if month.get("features") else None,
            _lines(month.get("events") or ()) or None,
        ]
        for month in months
    ]
    lead = "From the records that the stack itself keeps."
    return section("The diary", table("The diary", columns, rows, kind="cards"), lead=lead)


def _champions(month: Month) -> str:
    versions = month.get("champion_versions") or (
        [month["champion_version"]] if month.get("champion_version") else []
    )
    return ", ".join(f"v{version}" for version in versions) or "–"


def _lines(texts: Sequence[str]) -> Markup:
    return joined(
        *(joined(Markup("<br/>") if position else None, text) for position, text in enumerate(texts))
    )


def _uploads(uploads: Sequence[Mapping[str, Any]]) -> Markup | None:
    if not uploads:
        return None
    columns = [("File", ""), ("Verdict", ""), ("Rows", "right"), ("Quarantined", "right"), ("Why", "")]
    looks = {"accepted": "stable", "refused": "drifted", "quarantined": "undetermined"}
    rows: list[list[Content]] = [
        [
            item["file"], tag("span", item["verdict"], class_=f"badge {looks.get(item['verdict'], 'other')}"),
            count(item.get("rows")), count(item.get("quarantined")), item.get("reason") or "",
        ]
        for item in uploads
    ]  # fmt: skip
    return section("What was uploaded", table("What was uploaded", columns, rows, kind="cards"))


def _versions(versions: Sequence[Mapping[str, Any]]) -> Markup:
    if not versions:
        return section("Model versions", tag("p", "No model was trained yet."))
    columns = [
        ("Version", ""),
        ("Verdict", ""),
        ("AUC held out", "right"),
        ("Why", ""),
        ("Training set", ""),
        ("Model", ""),
    ]
    rows: list[list[Content]] = [
        [
            f"v{version['version']}", badge(status_of(version)),
            number((version.get("metrics") or {}).get("auc")), version.get("reason") or "",
            _digest(version.get("dataset")), _digest(version.get("model_sha256")),
        ]
        for version in versions
    ]  # fmt: skip
    statuses = [status_of(version) for version in versions]
    tally = listed([f"{statuses.count(status)} {status}" for status in sorted(set(statuses))])
    return section(
        "Model versions",
        table("Model versions", columns, rows, kind="cards"),
        lead=f"{plural(len(versions), 'try', 'tries')}: {tally}.",
    )


def _digest(value: object) -> Markup | None:
    return tag("code", f"{str(value)[:10]}…", title=value) if value else None


def _lineage(tree: Mapping[str, Any] | None) -> Markup | None:
    if not tree:
        return None
    lead = (
        "Everything that led to the champion, down to the uploads. Digests name content, so that the same "
        "content has the same name."
    )
    return section("Where the champion comes from", lineage_tree(tree), lead=lead)


def _rollback(record: Mapping[str, Any] | None) -> Markup | None:
    if not record:
        return None
    done = "is champion again" if record.get("ok") else "could not be put back"
    sentence = f"Version {record.get('to')} {done} after version {record.get('from')}."
    who = f"By {record.get('actor') or 'an unnamed person'}. Reason: {record.get('reason') or 'none given'}."
    return section("The rollback", paragraphs(sentence, who))


def _timings(seconds: Mapping[str, float], memory_mb: float | None) -> Markup | None:
    parts = [(name, float(value)) for name, value in seconds.items() if name != "total"]
    if not parts:
        return None
    total = float(seconds.get("total") or sum(value for _, value in parts))
    named = [(f"{name} {number(value, 1)} s", value) for name, value in parts]
    memory = f" Peak memory {count(round(memory_mb))} MB." if memory_mb else ""
    return section(
        "Where the time went",
        legend(*((f"part{index % 6}", name) for index, (name, _) in enumerate(named))),
        both_widths(lambda width: stacked_bar(named, width=width, title="Seconds by kind of work")),
        lead=f"{number(total, 1)} seconds in all; training and inference ran in real time, the calendar was "
        f"moved.{memory}",
    )


def _term(name: str, meaning: str) -> Markup:
    return joined(tag("dt", name), tag("dd", meaning))
