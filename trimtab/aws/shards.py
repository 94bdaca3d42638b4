"""The working files of one window's plan: its captured objects by shard, the profiles of shards and of sums.

Every name is a function of the plan and of a place in it, and every content of the captures that the plan
lists: whatever is repeated writes the same bytes under the same name.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Any

import numpy as np

from trimtab.aws.objects import Bucket
from trimtab.canonical import digest
from trimtab.errors import Gone
from trimtab.monitoring import keys
from trimtab.monitoring.repeats import Hashes
from trimtab.monitoring.rows import RowCounts
from trimtab.monitoring.tree import FAN_IN, levels_of, roots_of
from trimtab.profile import Profile

_ONCE = "once"
_PAGE = 64  # shards whose objects are listed in one file, so that a child reads no more than it needs


@dataclass(frozen=True, slots=True)
class Shards:
    """One plan of one window; `of` gives the plan that the machine hands around."""

    bucket: Bucket
    project: str
    window_id: str
    plan: str

    @classmethod
    def of(cls, bucket: Bucket, project: str, task: dict[str, Any]) -> "Shards":
        """Return the files of the window that the machine works on."""
        return cls(bucket, project, task["id"], task["plan"])

    @classmethod
    def planned(
        cls, bucket: Bucket, project: str, window_id: str, shards: Sequence[Sequence[tuple[str, str]]]
    ) -> "Shards":
        """Name the plan after its objects, each of them a key and an ETag, and how they are split."""
        listed = [[list(entry) for entry in shard] for shard in shards]
        name = digest({"window": window_id, "shards": listed, "fan_in": FAN_IN})[: keys.DIGITS]
        return cls(bucket, project, window_id, name)

    def write_down(self, shards: Sequence[Sequence[tuple[str, str]]]) -> list[str]:
        """List the objects of each shard and the tasks of each level; return the keys of the levels."""
        for number, page in enumerate(batched(shards, _PAGE)):
            self._put_plan(f"objects-{number:05d}", [[key for key, _ in shard] for shard in page])
        levels = levels_of(len(shards))
        return [self._put_plan(f"level-{number}", tasks) for number, tasks in enumerate(levels)]

    def objects_of(self, shard: int) -> list[str]:
        """Return the keys of a shard's captured objects, in their order."""
        page: list[list[str]] = self.bucket.get_json(self._plan(f"objects-{shard // _PAGE:05d}"))
        return page[shard % _PAGE]

    def put(self, place: str | int, number: int, profile: Profile, counts: RowCounts) -> None:
        """Write a profile and the counts of its rows."""
        name = keys.node(self.project, self.window_id, self.plan, str(place), number)
        self.bucket.put(f"{name}.profile", profile.to_bytes())
        self.bucket.put_json(f"{name}.json", counts.to_dict())

    def put_once(self, shard: int, profile: Profile, counts: RowCounts) -> None:
        """Write the profile of a shard without the rows that an earlier shard holds as well."""
        self.put(_ONCE, shard, profile, counts)

    def added_up(self, level: int, first: int, last: int) -> tuple[Profile, RowCounts]:
        """Add up the profiles of a level from `first` to `last`."""
        once = self._profiled_again() if level == 0 and last > first else set()
        profiles, counts = [], RowCounts()
        for number in range(first, last + 1):
            profile, found = self.read(_ONCE if number in once else level, number)
            profiles.append(profile)
            counts += found
        return Profile.merged(profiles), counts

    def whole(self, shards: int) -> tuple[Profile, RowCounts]:
        """Add up the whole window."""
        level, width = roots_of(shards)
        return self.added_up(level, 0, width - 1)

    def read(self, place: str | int, number: int) -> tuple[Profile, RowCounts]:
        """Read a profile and the counts of its rows."""
        name = keys.node(self.project, self.window_id, self.plan, str(place), number)
        try:
            profile = Profile.from_bytes(self.bucket.get(f"{name}.profile"))
        except Gone as error:
            raise Gone(
                f"shard {number} of window {self.window_id} left no profile (level {place}); its run among "
                "the children of the monitor's execution says why"
            ) from error
        return profile, RowCounts(**self.bucket.get_json(f"{name}.json"))

    def put_ids(self, shard: int, partitions: Sequence[Hashes]) -> None:
        """Write the hashes of a shard's prediction ids, by partition."""
        for number, hashes in enumerate(partitions):
            name = keys.ids(self.project, self.window_id, self.plan, number, shard)
            self.bucket.put(name, hashes.astype("<u8").tobytes())

    def ids(self, partition: int, shards: int) -> list[Hashes]:
        """Read the hashes of one partition, by shard."""
        names = (
            keys.ids(self.project, self.window_id, self.plan, partition, shard) for shard in range(shards)
        )
        return [_hashes(self.bucket.get(name)) for name in names]

    def put_repeats(self, partition: int, shard: int, hashes: Hashes) -> None:
        """Write the hashes of one partition that a shard repeats."""
        name = keys.repeats(self.project, self.window_id, self.plan, shard, f"{partition:05d}")
        self.bucket.put(name, hashes.astype("<u8").tobytes())

    def repeats(self, shard: int) -> Hashes | None:
        """Read the hashes that a shard repeats, or None if there are none."""
        prefix = keys.repeats(self.project, self.window_id, self.plan, shard)
        found = [_hashes(self.bucket.get(entry.key)) for entry in self.bucket.list(prefix)]
        return np.concatenate(found) if found else None

    def _profiled_again(self) -> set[int]:
        """Return the shards that repeat rows of others; their profiles without these are what counts."""
        prefix = keys.node(self.project, self.window_id, self.plan, _ONCE, 0).rpartition("/")[0] + "/"
        names = (entry.key.rpartition("/")[2] for entry in self.bucket.list(prefix))
        return {int(name.removesuffix(".profile")) for name in names if name.endswith(".profile")}

    def _plan(self, name: str) -> str:
        return keys.plan(self.project, self.window_id, self.plan, name)

    def _put_plan(self, name: str, value: Any) -> str:
        key = self._plan(name)
        self.bucket.put_json(key, value)
        return key


def _hashes(data: bytes) -> Hashes:
    return np.frombuffer(data, dtype="<u8").astype(np.uint64)
