"""Where things come from: the lineage edges of the table, read as a tree."""

from typing import Any

from trimtab.aws.table import Table, edges


def origins(table: Table, node: str) -> dict[str, Any]:
    """Return the tree of everything that led to `node`: `{"node", "children": [...]}`, children sorted.

    A node that was met before on the way down is not followed again, so that a cycle ends.
    """
    return _descend(table, node, frozenset())


def _descend(table: Table, node: str, above: frozenset[str]) -> dict[str, Any]:
    if node in above:
        return {"node": node, "children": []}
    parents = sorted({other for _, other in edges(table, node, "in")})
    return {"node": node, "children": [_descend(table, parent, above | {node}) for parent in parents]}
