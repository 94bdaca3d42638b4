"""Follow the imports of source files without running them."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path


def modules_behind(root: Path, package: str, sources: Iterable[Path]) -> set[Path]:
    """Return the files of `root/package` that the sources import, directly or through each other."""
    found: set[Path] = set()
    waiting = [path for source in sources for path in _imported(root, package, source)]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imported(root, package, path)
    return found


def _imported(root: Path, package: str, source: Path) -> Iterator[Path]:
    for name in _names(ast.parse(source.read_bytes()), _package_of(root, source)):
        parts = name.split(".")
        if parts[0] == package:
            for length in range(1, len(parts) + 1):
                yield from _files(root.joinpath(*parts[:length]))


def _files(place: Path) -> Iterator[Path]:
    """Yield the file of a module or package; a name inside a module has none."""
    candidates = (place / "__init__.py", place.with_suffix(".py"))
    yield from (candidate for candidate in candidates if candidate.is_file())


def _names(tree: ast.AST, package: list[str]) -> Iterator[str]:
    """Yield the dotted names that a syntax tree imports when it runs, also inside functions."""
    if isinstance(tree, ast.If) and "TYPE_CHECKING" in ast.dump(tree.test):
        for branch in tree.orelse:
            yield from _names(branch, package)
        return
    if isinstance(tree, ast.Import):
        yield from (alias.name for alias in tree.names)
    elif isinstance(tree, ast.ImportFrom):
        base = package[: len(package) - tree.level + 1] if tree.level else []
        module = [*base, *(tree.module.split(".") if tree.module else [])]
        yield from (".".join([*module, alias.name]) for alias in tree.names)
    for child in ast.iter_child_nodes(tree):
        yield from _names(child, package)


def _package_of(root: Path, source: Path) -> list[str]:
    return list(source.parent.relative_to(root).parts) if source.is_relative_to(root) else []
