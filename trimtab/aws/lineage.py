"""Where things come from and what became of them: the lineage edges of the table, read as trees."""

from collections.abc import Callable
from typing import Any

from trimtab.aws.in_training import training_plans
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table, edges
from trimtab.dataset.located import located
from trimtab.dataset.version import manifest_key
from trimtab.errors import Gone
from trimtab.model.lineage import dataset_node, object_node, training_set_node

type Tree = dict[str, Any]


def origins(table: Table, node: str) -> Tree:
    """Return the tree of everything that led to `node`: `{"node", "children": [...]}`, children sorted.

    A node that was met before on the way down is not followed again, so that a cycle ends.
    """
    return _walk(node, lambda one: {other for _, other in edges(table, one, "in")}, frozenset())


def origins_with_objects(table: Table, data: Bucket, node: str, project: str) -> Tree:
    """Return the tree of everything that led to `node`, down to the objects that the manifests name."""

    def parents(one: str) -> set[str]:
        found = {other for _, other in edges(table, one, "in")}
        if one.startswith(dataset_node("")):
            found |= _objects(data, project, one.removeprefix(dataset_node("")))
        return found

    return _walk(node, parents, frozenset())


def descendants(table: Table, node: str, project: str) -> Tree:
    """Return the tree of everything that came from `node`: training sets, models, endpoints.

    A training set from which no model was registered is known from the plan of its run alone.
    """
    planned: dict[str, set[str]] = {}
    for run in training_plans(table, project):
        for dataset in run["plan"]["datasets"]:
            target = training_set_node(run["plan"]["training_set"])
            planned.setdefault(dataset_node(dataset), set()).add(target)

    def children(one: str) -> set[str]:
        return {other for _, other in edges(table, one, "out")} | planned.get(one, set())

    return _walk(node, children, frozenset())


def _walk(node: str, following: Callable[[str], set[str]], above: frozenset[str]) -> Tree:
    if node in above:
        return {"node": node, "children": []}
    below = sorted(following(node))
    return {"node": node, "children": [_walk(one, following, above | {node}) for one in below]}


def _objects(data: Bucket, project: str, version: str) -> set[str]:
    try:
        manifest = data.get_json(manifest_key(project, version))
    except Gone:  # removed or erased: the edges remain
        return set()
    return {object_node(file.bucket, file.key, file.version_id) for file in located(manifest)}
