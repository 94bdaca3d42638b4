"""Lineage as a tree for the terminal and as a Mermaid flow chart."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.markup import escape
from rich.tree import Tree

from trimtab.aws.versions import SHOWN

_OBJECTS_SHOWN = 10
_DIGEST = 64


def as_rich(tree: Mapping[str, Any]) -> Tree:
    """Return the tree for printing; of many objects the first few."""
    return _grow(Tree(_label(tree["node"])), tree)


def as_mermaid(tree: Mapping[str, Any], *, is_upwards: bool) -> str:
    """Return a flow chart, each node once; arrows point from what came first to what was made of it.

    >>> print(as_mermaid({"node": "model:a@1", "children": [{"node": "dataset:x", "children": []}]},
    ...                  is_upwards=False))
    flowchart LR
      n0["model a@1"]
      n1["dataset x"]
      n1 --> n0
    """
    numbers: dict[str, int] = {}
    pairs: dict[tuple[str, str], None] = {}
    for parent, child in _pairs(tree):
        for node in (parent, child):
            numbers.setdefault(node, len(numbers))
        pairs[(parent, child) if is_upwards else (child, parent)] = None
    numbers.setdefault(tree["node"], len(numbers))
    lines = ["flowchart LR"]
    lines += [f'  n{number}["{_quoted(node)}"]' for node, number in numbers.items()]
    lines += [f"  n{numbers[first]} --> n{numbers[second]}" for first, second in pairs]
    return "\n".join(lines)


def _pairs(tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for child in tree["children"]:
        yield tree["node"], child["node"]
        yield from _pairs(child)


def _grow(branch: Tree, tree: Mapping[str, Any]) -> Tree:
    objects = [child for child in tree["children"] if child["node"].startswith("object:")]
    hidden = {child["node"] for child in objects[_OBJECTS_SHOWN:]}
    for child in tree["children"]:
        if child["node"] not in hidden:
            _grow(branch.add(_label(child["node"])), child)
    if hidden:
        branch.add(f"[dim]and {len(hidden)} more objects; all of them with --json")
    return branch


def _label(node: str) -> str:
    kind, name = _split(node)
    return f"[dim]{kind}[/] {escape(name)}"


def _quoted(node: str) -> str:
    kind, name = _split(node)
    return f"{kind} {name}".replace('"', "#quot;")


def _split(node: str) -> tuple[str, str]:
    """Return what a node is and its name, digests shortened."""
    kind, _, name = node.partition(":")
    shown = name[:SHOWN] if len(name) == _DIGEST and "/" not in name else name
    return kind.replace("-", " "), shown
