"""The page around a report: one file, no scripts, nothing fetched."""

from trimtab.report.markup import Content, Markup, joined, tag
from trimtab.report.style import STYLE

# Says to the browser what is true anyway: nothing is loaded or run, whatever an upload was called.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def page(title: str, *body: Content) -> str:
    """Return a whole HTML document."""
    head = tag(
        "head",
        Markup('<meta charset="utf-8"/>'),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1"/>'),
        Markup('<meta name="color-scheme" content="light dark"/>'),
        tag("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        tag("title", title),
        Markup(f"<style>{STYLE}</style>"),
    )
    return Markup("<!doctype html>\n") + tag("html", head, tag("body", tag("main", *body)), lang="en") + "\n"


def section(title: str, *body: Content, lead: Content = None) -> Markup:
    """Return a titled section, with an optional sentence under the title."""
    return tag("section", tag("h2", title), tag("p", lead, class_="lead") if lead else None, *body)


def figures(*pairs: tuple[str, str, str]) -> Markup:
    """Return key figures: (value, what it is, a remark)."""
    cells = [
        tag("div", tag("dt", name), tag("dd", value), tag("p", remark) if remark else None, class_="figure")
        for value, name, remark in pairs
    ]
    return tag("dl", *cells, class_="figures")


def badge(verdict: str) -> Markup:
    """Return a verdict as a coloured word with a sign of its own shape, so that colour is never alone."""
    signs = {
        "drifted": "▲",
        "stable": "●",
        "undetermined": "?",
        "champion": "●",
        "rejected": "▲",
        "rolled back": "▲",
    }
    sign = tag("span", signs.get(verdict, "·"), class_="sign", aria_hidden="true")
    known = verdict if verdict in signs else "other"
    return tag("span", sign, verdict, class_=f"badge {known.replace(' ', '-')}")


def table(
    name: str,
    columns: list[tuple[str, str]],
    rows: list[list[Content]],
    *,
    kind: str = "scroll",
    note: str = "",
) -> Markup:
    """Return a table; `columns` are (title, class), and on a phone `kind` is "scroll" or "cards"."""
    head = tag("tr", *(tag("th", title, scope="col", class_=css or None) for title, css in columns))
    lines = []
    for row in rows:
        first = tag("th", row[0], scope="row", class_=columns[0][1] or None)
        rest = [
            tag("td", cell, class_=css or None, data_label=title)
            for cell, (title, css) in zip(row[1:], columns[1:], strict=True)
        ]
        lines.append(tag("tr", first, *rest))
    body = tag("table", tag("thead", head), tag("tbody", *lines), class_=kind)
    # A region that scrolls sideways can be reached by keyboard, and then needs a name.
    region = tag("div", body, class_="wide", tabindex="0", role="region", aria_label=name)
    return joined(region, tag("p", note, class_="note") if note else None)


def paragraphs(*sentences: Content) -> Markup:
    """Return paragraphs, leaving out what is None."""
    return joined(*(tag("p", sentence) for sentence in sentences if sentence))
