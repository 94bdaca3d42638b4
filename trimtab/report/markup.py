"""HTML and SVG from Python values, escaped by default: names and values in a report come from uploads."""

import re
from html import escape

# Control characters, and the marks that reorder text on the screen, are shown instead of obeyed.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_EMPTY = frozenset({"br", "hr", "meta", "col", "path", "line", "rect", "circle", "polyline"})


class Markup(str):
    """Text that is HTML already; every other string is escaped on its way into a page."""

    __slots__ = ()


type Content = str | int | float | Markup | None


def text(value: object) -> Markup:
    """Escape one value for HTML, making unseen characters visible.

    >>> text("<b>\\x1b[31m")
    '&lt;b&gt;\\\\x1b[31m'
    """
    if isinstance(value, Markup):
        return value
    shown = _UNSEEN.sub(lambda found: f"\\x{ord(found[0]):02x}", str(value))
    return Markup(escape(shown, quote=True))


def tag(name: str, *children: Content, **attributes: object) -> Markup:
    """Make an element; attributes are escaped, `_` becomes `-`, a trailing `_` falls away, None is left out.

    >>> tag("td", "<script>", class_="name", data_label='"')
    '<td class="name" data-label="&quot;">&lt;script&gt;</td>'
    """
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _EMPTY and not children:
        return Markup(f"<{name}{pairs}/>")
    inner = "".join(text(child) for child in children if child is not None)
    return Markup(f"<{name}{pairs}>{inner}</{name}>")


def joined(*parts: Content) -> Markup:
    """Put parts one after the other."""
    return Markup("".join(text(part) for part in parts if part is not None))
