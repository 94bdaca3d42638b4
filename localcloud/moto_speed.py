"""What moto works out or loads again at every turn, done once, and only for what was asked.

The answers stay those of moto, byte for byte; where a case is not one of the plain ones, moto does it itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import moto
import moto.core.responses
import moto.core.utils
from botocore.loaders import JSONFileLoader
from moto.core.serialize import AttributePickerContext, BaseJSONSerializer, XFormedAttributePicker
from moto.dynamodb.models.dynamo_type import Item
from moto.dynamodb.models.table import Table

# Types of DynamoDB's values that JSON writes as they are.
WRITTEN_AS_THEY_ARE = {"S": str, "N": str, "BOOL": bool, "NULL": bool}


def install() -> None:
    """Quicken moto from now on; safe to repeat."""
    if hasattr(moto.core.utils.method_names_from_class, "cache_info"):
        return
    cached = lru_cache(maxsize=1024)(moto.core.utils.method_names_from_class)
    moto.core.utils.method_names_from_class = cached
    moto.core.responses.method_names_from_class = cached  # type: ignore[attr-defined]
    _share_models()
    _remember_names()
    _write_values_directly()
    _query_one_partition()
    _project_directly()
    _forget_copies()


def _share_models() -> None:
    """Read each service's model once: clients, moto and our own checks would each keep one of megabytes."""
    original = JSONFileLoader.load_file
    # Where moto has something to add, it writes that into what it has loaded.
    amended = {path.parts[-3] for path in Path(moto.__file__).parent.glob("*/*/*.moto-extras.json*")}
    known: dict[str, Any] = {}

    def load_file(self: JSONFileLoader, file_path: str) -> Any:
        if not amended.isdisjoint(Path(file_path).parts):
            return original(self, file_path)
        if file_path not in known:
            known[file_path] = original(self, file_path)
        return known[file_path]

    JSONFileLoader.load_file = load_file  # type: ignore[method-assign]


def _remember_names() -> None:
    """Work out once per class and member how an answer's attribute may be called."""
    original = XFormedAttributePicker.get_possible_keys

    def get_possible_keys(self: XFormedAttributePicker, context: AttributePickerContext) -> Iterator[str]:
        # Every alias depends on the object's class, the member's shape and the shape it is a member of.
        known = context.shape.__dict__.setdefault("localcloud_names", {})
        place = (type(context.obj), context.key, getattr(context.shape, "parent", None))
        if place not in known:
            known[place] = tuple(dict.fromkeys(original(self, context)))
        return iter(known[place])

    XFormedAttributePicker.get_possible_keys = get_possible_keys  # type: ignore[assignment, method-assign]


def _write_values_directly() -> None:
    """Write DynamoDB's values by their one type, not by trying every type that there is."""
    original = BaseJSONSerializer._serialize_type_structure

    def _serialize_type_structure(
        self: BaseJSONSerializer, serialized: Any, value: Any, shape: Any, key: str
    ) -> None:
        if shape.name == "AttributeValue" and key and is_plain(value):
            serialized[self.get_serialized_name(shape, key)] = value
        else:
            original(self, serialized, value, shape, key)

    BaseJSONSerializer._serialize_type_structure = _serialize_type_structure  # type: ignore[method-assign]


def is_plain(value: Any) -> bool:
    """Tell whether a value of DynamoDB is already what JSON writes: text, numbers, flags, and lists and maps
    of them.

    >>> is_plain({"L": [{"N": "1"}, {"M": {"a": {"S": "b"}}}]}), is_plain({"B": b"1"})
    (True, False)
    """
    if type(value) is not dict or len(value) != 1:
        return False
    ((kind, inner),) = value.items()
    if kind == "M":
        return type(inner) is dict and all(map(is_plain, inner.values()))
    if kind == "L":
        return type(inner) is list and all(map(is_plain, inner))
    return kind in WRITTEN_AS_THEY_ARE and type(inner) is WRITTEN_AS_THEY_ARE[kind]


def _query_one_partition() -> None:
    """Look for a query's items in their partition; moto sorts the whole table first."""
    original = Table.query

    def query(self: Table, hash_key: Any, *arguments: Any, **named: Any) -> Any:
        if named.get("index_name") or hash_key is None or not self.has_range_key:
            return original(self, hash_key, *arguments, **named)
        view: Any = object.__new__(type(self))  # the table as it is, but for its other partitions
        view.__dict__.update(self.__dict__)
        view.items = defaultdict(dict)
        if hash_key in self.items:
            view.items[hash_key] = self.items[hash_key]
        return original(view, hash_key, *arguments, **named)

    Table.query = query  # type: ignore[method-assign]


def _project_directly() -> None:
    """Pick the attributes that a projection names; moto converts the whole item once for each name."""
    original = Item.project

    def project(self: Item, projection_expressions: list[list[str]]) -> Item:
        if any(len(path) != 1 or "[" in path[0] for path in projection_expressions):
            return original(self, projection_expressions)
        names = [path[0] for path in projection_expressions]
        found = {name: self.attrs[name] for name in names if name in self.attrs}
        return Item(hash_key=self.hash_key, range_key=self.range_key, attrs=found)

    Item.project = project  # type: ignore[method-assign]


def _forget_copies() -> None:
    """Let go of items once they are answered; moto keeps a list of every item and copy that it ever made."""

    def __new__(cls: type[Item], *_arguments: Any, **_named: Any) -> Item:  # noqa: N807 - it is the one
        return object.__new__(cls)

    Item.__new__ = __new__  # type: ignore[assignment, method-assign]
