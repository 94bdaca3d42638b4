"""What windows are compared with: a profile, slices of it that show how it wobbles, and weights."""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Self

from trimtab.canonical import sha256_hex
from trimtab.drift.wobble import Wobble, learn_wobble
from trimtab.errors import BadInput, Conflict
from trimtab.profile import Profile
from trimtab.profile.encoding import compress, decompress, pack, unpack_header
from trimtab.profile.grid import SCORE

_MAGIC = b"TTB\x04"
# With columns from sketches: code that does not know of them would trust those too much.
_APPROXIMATE_MAGIC = b"TTB\x05"


@dataclass(frozen=True, eq=False)
class Baseline:
    """A model version's baseline.

    `slices` are profiles of whole weeks or days of the training data, which show how much a feature moves by
    itself; `weights` are the features' importances, of any sum; `seasons` names the season of each slice,
    such as "weekend", where the project tells seasons apart. `equivalent_rows` is there for numeric columns
    that come from a sketch: how many rows, drawn at random, would be as exact as what the sketch kept.
    `whole` is set where this is one season of another baseline.
    """

    profile: Profile
    slices: tuple[Profile, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    seasons: tuple[str, ...] = ()
    equivalent_rows: Mapping[str, int] = field(default_factory=dict)
    whole: "Baseline | None" = None

    def __post_init__(self) -> None:
        grid = self.profile.grid
        if any(part.grid.id != grid.id for part in self.slices):
            raise Conflict(
                "slices and profile lie on unequal grids; profile all of them on the project's grid"
            )
        if self.seasons and len(self.seasons) != len(self.slices):
            raise BadInput(f"{len(self.seasons)} seasons for {len(self.slices)} slices; name one for each")
        for name, weight in self.weights.items():
            if name not in grid.columns:
                raise BadInput(
                    f"weight of {name!r}, which is not profiled; weigh raw request columns and the score"
                )
            if not (math.isfinite(weight) and weight >= 0):
                raise BadInput(f"weight of {name!r} is {weight!r}; give a number of 0 or more")
        for name, rows in self.equivalent_rows.items():
            if name not in grid.columns or not 0 <= rows <= self.profile.columns[name].present:
                raise BadInput(
                    f"{name!r} is worth {rows!r} rows, which it has not; import the baseline again"
                )

    @cached_property
    def shares(self) -> dict[str, float]:
        """Return each column's share of the weight, with the sum 1.

        Without weights all columns weigh the same; a score without one weighs like an average feature.
        """
        names = sorted(self.profile.grid.columns)
        weights = {name: float(self.weights.get(name, 0.0)) for name in names}
        if not sum(weights.values()) > 0:
            weights = dict.fromkeys(names, 1.0)
        elif SCORE in weights and SCORE not in self.weights:
            weights[SCORE] = sum(weights.values()) / (len(weights) - 1)
        total = math.fsum(weights.values())
        return {name: weight / total for name, weight in weights.items()}

    def of_season(self, season: str) -> "Baseline":
        """Return the baseline of one season's slices alone; this one, if no slice is of that season."""
        if season not in self.seasons:
            return self
        if season not in self._of_season:
            named = zip(self.slices, self.seasons, strict=True)
            slices = tuple(part for part, name in named if name == season)
            self._of_season[season] = Baseline(
                Profile.merged(slices), slices, self.weights, (season,) * len(slices), whole=self
            )
        return self._of_season[season]

    def wobbles(self, name: str, minimum_rows: int, minimum_slices: int) -> Mapping[str, Wobble] | None:
        """Return how much a column moves by itself, by test; None if too few slices have enough rows.

        One season's slices are few: its wobble is learned from all seasons, each slice against its own.
        """
        if self.whole is not None:
            return self.whole._learned(name, minimum_rows, minimum_slices, self.whole.seasons)
        return self._learned(name, minimum_rows, minimum_slices, ())

    def _learned(
        self, name: str, minimum_rows: int, minimum_slices: int, seasons: tuple[str, ...]
    ) -> Mapping[str, Wobble] | None:
        key = (name, minimum_rows, bool(seasons))
        if key not in self._wobbles:
            kind = self.profile.grid.columns[name].kind
            parts = [part.columns[name] for part in self.slices]
            useful = sum(part.present >= minimum_rows for part in parts)
            self._wobbles[key] = (useful, learn_wobble(kind, parts, minimum_rows, seasons))
        useful, learned = self._wobbles[key]
        return learned if useful >= minimum_slices else None

    @cached_property
    def _wobbles(self) -> dict[tuple[str, int, bool], tuple[int, Mapping[str, Wobble]]]:
        return {}

    @cached_property
    def _of_season(self) -> dict[str, "Baseline"]:
        return {}

    @cached_property
    def payload(self) -> bytes:
        """Return the bytes that equal baselines have in common on every machine."""
        weights = {name: float(weight) for name, weight in self.weights.items()}
        header = {"weights": weights, "slices": len(self.slices), "seasons": list(self.seasons)}
        if self.equivalent_rows:
            header["equivalent_rows"] = dict(self.equivalent_rows)
        parts = [pack(header, [])]
        for profile in (self.profile, *self.slices):
            parts += [struct.pack("<I", len(profile.payload)), profile.payload]
        return b"".join(parts)

    @property
    def key(self) -> str:
        """Return the sha256 of the payload: the name of this content."""
        return sha256_hex(self.payload)

    def to_bytes(self) -> bytes:
        """Return the baseline compressed, for storing."""
        return compress(_APPROXIMATE_MAGIC if self.equivalent_rows else _MAGIC, self.payload)

    @staticmethod
    def is_stored(beginning: bytes) -> bool:
        """Tell whether a file that begins so holds a baseline, of whatever version."""
        return beginning.startswith(_MAGIC[:-1])

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote; raise BadInput for another format and for damage."""
        magic = _APPROXIMATE_MAGIC if data.startswith(_APPROXIMATE_MAGIC) else _MAGIC
        payload = decompress(magic, "baseline", data)
        text, start = unpack_header(payload)
        try:
            header = json.loads(text)
            profiles: list[Profile] = []
            for _ in range(int(header["slices"]) + 1):
                length = int(struct.unpack_from("<I", payload, start)[0])
                profiles.append(Profile.from_payload(payload[start + 4 : start + 4 + length]))
                start += 4 + length
            return cls(
                profiles[0],
                tuple(profiles[1:]),
                header["weights"],
                tuple(header["seasons"]),
                header.get("equivalent_rows", {}),
            )
        except (AttributeError, KeyError, TypeError, ValueError, struct.error) as error:
            raise BadInput(
                f"baseline is damaged ({error!r}); restore it from its bucket's versions"
            ) from error
