"""Charts as SVG, drawn by hand: text keeps its size, so each is drawn for a page and again for a phone."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from trimtab.report.markup import Markup, joined, tag

PAGE_WIDTH = 780
PHONE_WIDTH = 350
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 26, 26
_LONGEST_NAME = 13
_NOTHING = tag("p", "There is no value to draw yet.", class_="note")

type Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Series:
    """One line: its name, its look and a value per position, None where there is none."""

    name: str
    look: Literal["now", "then"]
    values: Values


@dataclass(frozen=True, slots=True)
class Step:
    """One bar of a row of bars: its name, its height, the height that is allowed, and its look."""

    name: str
    value: float | None
    allowed: float | None
    look: str


@dataclass(frozen=True, slots=True)
class Frame:
    """Where values lie on the drawing."""

    width: float
    height: float
    low: float
    high: float
    positions: int

    def x(self, position: float) -> float:
        """Return the middle of a position's column."""
        return _LEFT + (position + 0.5) * self.column

    def y(self, value: float) -> float:
        """Return the height of a value."""
        inner = self.height - _TOP - _BOTTOM
        return _TOP + inner * (1 - (value - self.low) / (self.high - self.low))

    @property
    def column(self) -> float:
        """Return the width of one position's column."""
        return (self.width - _LEFT - _RIGHT) / self.positions


def both_widths(draw: Callable[[int], Markup], caption: str = "") -> Markup:
    """Return a figure that holds the chart drawn for a page and for a phone; the style sheet shows one."""
    drawings = (
        tag("div", draw(PAGE_WIDTH), class_="wide-only"),
        tag("div", draw(PHONE_WIDTH), class_="narrow"),
    )
    return tag("figure", *drawings, tag("figcaption", caption) if caption else None)


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Return round values that span [low, high].

    >>> ticks(0.642, 0.719)
    [0.64, 0.66, 0.68, 0.7, 0.72]
    """
    span = high - low or abs(high) or 1.0
    power = 10.0 ** math.floor(math.log10(span / about))
    step = next(power * unit for unit in (1, 2, 2.5, 5, 10) if span / (power * unit) <= about)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(position * step, 10) for position in range(first, last + 1)]


def line_chart(
    labels: Sequence[str],
    series: Sequence[Series],
    marks: Sequence[tuple[int, str]],
    *,
    width: int,
    title: str,
    height: int = 280,
) -> Markup:
    """Draw lines over named positions, with vertical marks such as a promotion's."""
    known = [value for entry in series for value in entry.values if value is not None]
    if not known:
        return _NOTHING
    scale = ticks(min(known), max(known))
    frame = Frame(width, height, scale[0], scale[-1], len(labels))
    return _drawing(
        frame,
        title,
        _grid(frame, scale, _digits(scale)),
        _axis(frame, labels),
        *(_mark(frame, position, text) for position, text in marks),
        *(_line(frame, entry) for entry in sorted(series, key=lambda entry: entry.look, reverse=True)),
    )


def bar_chart(
    labels: Sequence[str],
    bars: Sequence[tuple[float | None, str, str]],
    *,
    width: int,
    title: str,
    height: int = 150,
) -> Markup:
    """Draw one bar per position from 0 to 1: (value, class, sign above it); None has only its sign."""
    if not labels:
        return _NOTHING
    frame = Frame(width, height, 0.0, 1.0, len(labels))
    parts = [_grid(frame, [0.0, 0.5, 1.0], 1), _axis(frame, labels)]
    wide = min(34.0, frame.column * 0.62)
    for position, (value, look, sign) in enumerate(bars):
        x, top = frame.x(position), frame.y(value or 0.0)
        if value is not None:
            tall = max(frame.y(0) - top, 1.5)
            parts.append(_box(x - wide / 2, frame.y(0) - tall, wide, tall, look))
        parts.append(tag("text", sign, x=_n(x), y=_n(top - 6), text_anchor="middle", class_=look))
    return _drawing(frame, title, *parts)


def stacked_bar(parts: Sequence[tuple[str, float]], *, width: int, title: str, height: int = 30) -> Markup:
    """Draw parts of a whole as one bar."""
    whole = sum(value for _, value in parts) or 1.0
    boxes, left = [], 0.0
    for index, (name, value) in enumerate(parts):
        share = width * value / whole
        boxes.append(_box(left, 0, max(share - 1.5, 0.5), height, f"part{index % 6}", name))
        left += share
    return tag("svg", *boxes, viewBox=f"0 0 {width} {height}", role="img", aria_label=title)


def overlay(then: Sequence[float], now: Sequence[float], *, title: str, labels: tuple[str, str]) -> Markup:
    """Draw two distributions over the same bins: what was (filled) and what is (outlined)."""
    width, height, floor = 240.0, 84.0, 64.0
    top = max([*then, *now, 1e-12])
    step = width / max(len(then), 1)
    bars = [
        _box(index * step + 0.5, floor - floor * share / top, max(step - 1, 0.5), floor * share / top, "bar")
        for index, share in enumerate(then)
    ]
    heights = [_n(floor - floor * share / top) for share in now]
    points = " ".join(
        f"{_n(index * step)},{y} {_n((index + 1) * step)},{y}" for index, y in enumerate(heights)
    )
    return tag(
        "svg",
        *bars,
        tag("polyline", points=points, class_="now"),
        tag("line", x1=0, x2=_n(width), y1=_n(floor), y2=_n(floor), class_="axis"),
        tag("text", labels[0], x=0, y=_n(height - 4)),
        tag("text", labels[1], x=_n(width), y=_n(height - 4), text_anchor="end"),
        viewBox=f"0 0 {_n(width)} {_n(height)}",
        role="img",
        aria_label=title,
    )


def paired_bars(rows: Sequence[tuple[str, float, float]], *, title: str) -> Markup:
    """Draw the shares of categories: what was (a broad bar) and what is (a thin one over it)."""
    width, line, names = 240.0, 19.0, 92.0
    top = max([share for _, then, now in rows for share in (then, now)] + [1e-12])
    parts: list[Markup] = []
    for index, (name, then, now) in enumerate(rows):
        y = index * line
        reach = (width - names) / top
        shown = name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
        parts.append(tag("text", tag("title", name), shown, x=names - 8, y=_n(y + 13), text_anchor="end"))
        parts.append(
            _box(names, y + 2, max(reach * then, 0.5), line - 5, "bar", f"{name}, baseline: {then:.1%}")
        )
        parts.append(_box(names, y + 7, max(reach * now, 0.5), 4, "part0", f"{name}, this window: {now:.1%}"))
    box = f"0 0 {_n(width)} {_n(len(rows) * line)}"
    return tag("svg", *parts, viewBox=box, role="img", aria_label=title)


def steps(bars: Sequence[Step], *, title: str, labels: tuple[str, str]) -> Markup:
    """Draw a row of bars, each under the dashed line of what is allowed for it."""
    width, height, floor = 240.0, 72.0, 52.0
    top = max([value for bar in bars for value in (bar.value, bar.allowed) if value is not None] + [1e-12])
    step = width / max(len(bars), 1)
    wide = min(step - 2, 22.0)
    parts: list[Markup] = []
    for index, bar in enumerate(bars):
        left = index * step
        if bar.value is None:
            middle = _n(left + wide / 2)
            parts.append(
                tag("text", tag("title", bar.name), "?", x=middle, y=_n(floor - 4), text_anchor="middle")
            )
            continue
        tall = max(floor * bar.value / top, 1.5)
        parts.append(_box(left, floor - tall, wide, tall, bar.look, bar.name))
        if bar.allowed is not None:
            y = _n(floor - floor * bar.allowed / top)
            parts.append(tag("line", x1=_n(left), x2=_n(left + wide), y1=y, y2=y, class_="allowed"))
    ends = [tag("text", labels[0], x=0, y=_n(height - 6))]
    if len(bars) > 1:
        ends.append(
            tag("text", labels[1], x=_n((len(bars) - 1) * step + wide), y=_n(height - 6), text_anchor="end")
        )
    axis = tag("line", x1=0, x2=_n(width), y1=_n(floor), y2=_n(floor), class_="axis")
    return tag(
        "svg", *parts, axis, *ends, viewBox=f"0 0 {_n(width)} {_n(height)}", role="img", aria_label=title
    )


def swatch(look: str) -> Markup:
    """Draw the sign of a legend's entry: a line for `now` and `then`, else a box."""
    if look in ("now", "then", "mark"):
        sign = tag("line", x1=1, x2=25, y1=6, y2=6, class_=look)
    else:
        sign = tag("rect", x=4, y=0, width=18, height=12, rx=2, class_=look)
    return tag("svg", sign, viewBox="0 0 26 12", aria_hidden="true")


def legend(*entries: tuple[str, str]) -> Markup:
    """List what the looks of a chart mean: (look, name)."""
    return tag("ul", *(tag("li", swatch(look), name) for look, name in entries), class_="legend")


def _drawing(frame: Frame, title: str, *parts: Markup) -> Markup:
    box = f"0 0 {_n(frame.width)} {_n(frame.height)}"
    return tag("svg", *parts, viewBox=box, role="img", aria_label=title)


def _grid(frame: Frame, scale: Sequence[float], digits: int) -> Markup:
    lines = []
    for value in scale:
        y = frame.y(value)
        lines.append(tag("line", x1=_LEFT, x2=_n(frame.width - _RIGHT), y1=_n(y), y2=_n(y), class_="grid"))
        lines.append(tag("text", f"{value:.{digits}f}", x=_LEFT - 8, y=_n(y + 4), text_anchor="end"))
    return joined(*lines)


def _axis(frame: Frame, labels: Sequence[str]) -> Markup:
    every = max(1, math.ceil(30 / frame.column))
    return joined(
        *(
            tag("text", label, x=_n(frame.x(position)), y=_n(frame.height - 6), text_anchor="middle")
            for position, label in enumerate(labels)
            if position % every == 0
        )
    )


def _mark(frame: Frame, position: int, text: str) -> Markup:
    x, bottom = frame.x(position), frame.height - _BOTTOM
    line = tag("line", x1=_n(x), x2=_n(x), y1=_TOP - 6, y2=_n(bottom), class_="mark")
    return joined(line, tag("text", text, x=_n(x), y=_TOP - 12, text_anchor="middle", class_="label-now"))


def _line(frame: Frame, series: Series) -> Markup:
    strokes: list[list[str]] = [[]]
    dots = []
    for position, value in enumerate(series.values):
        if value is None:
            strokes.append([])
            continue
        x, y = _n(frame.x(position)), _n(frame.y(value))
        strokes[-1].append(f"{x},{y}")
        note = tag("title", f"{series.name}: {value:.3f}")
        dots.append(tag("circle", note, cx=x, cy=y, r=3.6, class_=f"dot-{series.look}"))
    lines = [
        tag("polyline", points=" ".join(points), class_=series.look) for points in strokes if len(points) > 1
    ]
    return joined(*lines, *dots)


def _box(left: float, top: float, width: float, height: float, look: str, name: str = "") -> Markup:
    note = (tag("title", name),) if name else ()
    return tag("rect", *note, x=_n(left), y=_n(top), width=_n(width), height=_n(height), rx=1.5, class_=look)


def _digits(scale: Sequence[float]) -> int:
    return max(len(f"{value:.10f}".rstrip("0").partition(".")[2]) for value in scale)


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
