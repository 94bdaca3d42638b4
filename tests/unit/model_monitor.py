"""Files as Model Monitor writes them: `statistics.json` with sketches made the way Deequ makes them."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

type Floats = npt.NDArray[np.float64]

K, SHRINKING = 2048, 0.64


class Sketch:
    """Deequ's KLL sketch: buffers that halve upwards, each holding fewer items than the one below."""

    def __init__(self) -> None:
        self.levels: list[Floats] = [np.zeros(0)]
        self._compressed = [0]
        self._offset = [0]

    def update(self, values: Floats) -> None:
        """Add values in their order; the same as one by one, because only a full sketch is condensed."""
        start = 0
        while start < len(values):
            room = sum(map(_capacity, range(len(self.levels)))) - sum(map(len, self.levels)) + 1
            self.levels[0] = np.concatenate((self.levels[0], values[start : start + room]))
            start += room
            if start <= len(values):
                self._condense()

    def _condense(self) -> None:
        for height, items in enumerate(self.levels):
            if len(items) < _capacity(height):
                continue
            if height + 1 == len(self.levels):
                self.levels.append(np.zeros(0))
                self._compressed.append(0)
                self._offset.append(0)
            if self._compressed[height] % 2 == 1:
                self._offset[height] = 1 - self._offset[height]
            even = len(items) - len(items) % 2
            kept = np.sort(items[:even])[self._offset[height] :: 2]
            self._compressed[height] += 1
            self.levels[height] = items[even:]
            self.levels[height + 1] = np.concatenate((self.levels[height + 1], kept))
            return


def _capacity(height: int) -> int:
    return 2 * (math.ceil(K * SHRINKING**height / 2) + 1)


def number_feature(name: str, values: Floats, *, integral: bool = False) -> dict[str, Any]:
    """Return what `statistics.json` holds of a column of numbers; NaN stands for a missing one."""
    known = values[~np.isnan(values)]
    sketch = Sketch()
    sketch.update(known)
    edges = np.linspace(known.min(), known.max(), 11)
    counts = np.histogram(known, edges)[0]
    buckets = [
        {"lower_bound": edges[i], "upper_bound": edges[i + 1], "count": float(counts[i])} for i in range(10)
    ]
    return {
        "name": name,
        "inferred_type": "Integral" if integral else "Fractional",
        "numerical_statistics": {
            "common": {"num_present": len(known), "num_missing": len(values) - len(known)},
            "mean": known.mean(),
            "sum": known.sum(),
            "std_dev": known.std(),
            "min": known.min(),
            "max": known.max(),
            "distribution": {
                "kll": {
                    "buckets": buckets,
                    "sketch": {
                        "parameters": {"c": SHRINKING, "k": float(K)},
                        "data": [level.tolist() for level in sketch.levels],
                    },
                }
            },
        },
    }


def text_feature(name: str, values: npt.NDArray[np.str_], *, missing: int = 0) -> dict[str, Any]:
    """Return what `statistics.json` holds of a column of text, with `missing` more rows without a value."""
    found, counts = np.unique(values, return_counts=True)
    buckets = [{"value": str(one), "count": int(rows)} for one, rows in zip(found, counts, strict=True)]
    return {
        "name": name,
        "inferred_type": "String",
        "string_statistics": {
            "common": {"num_present": len(values), "num_missing": missing},
            "distinct_count": float(len(found)),
            "distribution": {"categorical": {"buckets": buckets}},
        },
    }


def statistics(rows: int, features: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a whole `statistics.json`."""
    return {"version": 0.0, "dataset": {"item_count": rows}, "features": features}
