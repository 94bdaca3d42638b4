"""Run a project's code from a folder without mixing it with code of the same names that is loaded already.

A champion is scored by the feature code that it was trained with, and that code imports `features` and
`trimtab` under the very names that the challenger's code has.
"""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

from trimtab.training.scoring import CSV, read_answer


@contextmanager
def project_module(folder: Path, name: str) -> Iterator[ModuleType]:
    """Import module `name` and what it imports from `folder`; put everything back at the end.

    Only for folders whose code may run here. Use the module inside the `with` only: afterwards its late
    imports would find the other code again. Not for several threads at once.
    """
    ours = {path.stem if path.is_file() else path.name for path in folder.iterdir()}
    before = _take_away(ours)
    writes_bytecode = sys.dont_write_bytecode
    # Compiled files beside the code would change what the folder holds.
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield importlib.import_module(name)
    finally:
        sys.dont_write_bytecode = writes_bytecode
        _take_away(ours)
        sys.modules.update(before)
        sys.path.remove(str(folder))


def answer(model_folder: Path, code_folder: Path, request: str) -> dict[str, float]:
    """Send a request through the four functions of a project's inference.py, as the container does.

    Returns the score of each prediction id.
    """
    with project_module(code_folder, "inference") as inference:
        model = inference.model_fn(str(model_folder))
        scored = inference.predict_fn(inference.input_fn(request, CSV), model)
        body, _ = inference.output_fn(scored, CSV)
    return read_answer(body)


def _take_away(names: set[str]) -> dict[str, ModuleType]:
    taken = [name for name in sys.modules if name.partition(".")[0] in names]
    return {name: sys.modules.pop(name) for name in taken}
