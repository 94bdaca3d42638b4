"""The tree of what led to a model, as nested lists."""

from collections.abc import Mapping
from typing import Any

from trimtab.report.markup import Markup, joined, tag

_KINDS = {
    "model": "Model",
    "training-set": "Training set",
    "dataset": "Dataset version",
    "upload": "Upload",
    "endpoint": "Endpoint",
}
_SHOWN_DIGITS = 12


def lineage_tree(tree: Mapping[str, Any]) -> Markup:
    """Draw `{"node", "children"}` as a tree; what was drawn once is only named the second time."""
    return tag("ul", _branch(tree, set()), class_="tree")


def _branch(tree: Mapping[str, Any], drawn: set[str]) -> Markup:
    node, children = str(tree["node"]), list(tree.get("children") or ())
    again = node in drawn and bool(children)
    drawn.add(node)
    if again:
        return tag("li", _named(node), tag("span", " (its origins are shown above)", class_="note"))
    below = tag("ul", *(_branch(child, drawn) for child in children)) if children else None
    return tag("li", _named(node), below)


def _named(node: str) -> Markup:
    kind, _, name = node.partition(":")
    if kind not in _KINDS:
        return tag("code", node)
    return joined(f"{_KINDS[kind]} ", tag("code", _short(name), title=name))


def _short(name: str) -> str:
    """Shorten digests; other names stay whole."""
    whole, _, version = name.partition("@")
    if len(whole) == 64 and not set(whole) - set("0123456789abcdef"):
        return f"{whole[:_SHOWN_DIGITS]}…"
    return f"{whole}@{version[:_SHOWN_DIGITS]}…" if len(version) > 2 * _SHOWN_DIGITS else name
