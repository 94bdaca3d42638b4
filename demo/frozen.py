"""Score requests with one model archive through its own serving code, outside of any endpoint.

Run inside the container's environment: `python frozen.py MODEL_FOLDER REQUESTS_FOLDER`. Each `*.csv` in the
requests' folder gets its answer beside it as `*.scores`. It tells what version 1 would have answered, had it
never been replaced.
"""

import importlib
import os
import sys
from pathlib import Path


def main(model_folder: Path, requests: Path) -> None:
    """Answer every request in `requests` with the model in `model_folder`."""
    sys.path.insert(0, str(model_folder / "code"))
    serving = importlib.import_module("inference")
    model = serving.model_fn(str(model_folder))
    for path in sorted(requests.glob("*.csv")):
        rows = serving.input_fn(path.read_bytes(), "text/csv")
        answer = serving.output_fn(serving.predict_fn(rows, model), "text/csv")
        body = answer[0] if isinstance(answer, tuple) else answer
        path.with_suffix(".scores").write_bytes(body if isinstance(body, bytes) else body.encode())


if __name__ == "__main__":
    os.nice(19)  # what is played meanwhile comes first
    main(Path(sys.argv[1]), Path(sys.argv[2]))
