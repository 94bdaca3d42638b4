"""A file too large for one function: count its records, plan its parts, check them side by side, finish.

Every step writes to a prefix of the upload's own, so that a step that is repeated writes the same again.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from trimtab.aws.objects import Bucket
from trimtab.aws.uploads import Answer, Upload, UploadSource
from trimtab.contract.examination import Examination, finish, refused
from trimtab.contract.part import Part, PartCheck
from trimtab.errors import BadInput
from trimtab.reading.files import TextFile, open_file
from trimtab.reading.plan import part_count, places, tallies
from trimtab.reading.records import Tally
from trimtab.reading.refusal import Refusal
from trimtab.reading.rows import Place

PARTS_PER_CHILD = 4


@dataclass(frozen=True, slots=True)
class FanOut:
    """The steps of one upload; `check` holds the project's rules and a folder on this machine."""

    bucket: Bucket
    upload: Upload
    source: UploadSource
    check: PartCheck

    @property
    def prefix(self) -> str:
        """Return where the steps write."""
        return f"ingest/{self.check.project.name}/{self.upload.digest}"

    def split(self) -> Answer:
        """List the byte ranges to count records in; Parquet needs no counting, so its list is empty."""
        count = part_count(self.source.size, self._data.part_bytes)
        counted = count if self._data.format != "parquet" else 0
        ranges = [
            {"first": first, "last": min(first + PARTS_PER_CHILD, count) - 1}
            for first in range(0, counted, PARTS_PER_CHILD)
        ]
        key = f"{self.prefix}/ranges.json"
        self.bucket.put_json(key, ranges)
        return {
            "verdict": "split",
            "key": self.upload.key,
            "version_id": self.upload.version_id,
            "ranges_key": key,
            "parts_key": f"{self.prefix}/parts.json",
        }

    def count(self, first: int, last: int) -> None:
        """Count the records in some ranges."""
        quoted = self._data.format == "csv"
        found = tallies(self.source, first, last, quoted=quoted, part_bytes=self._data.part_bytes)
        counted = [[tally.turns, tally.ends, tally.first] for tally in found]
        self.bucket.put_json(f"{self.prefix}/counts/{first:05d}.json", counted)

    def plan(self) -> None:
        """Add the counts up and list the parts, some for each child."""
        file = open_file(self.source, self.check.wanted, self._data)
        try:
            if isinstance(file, TextFile):
                found = places(file, list(self._counted()), self.source.size)
            else:
                found = list(cast(Any, file).places())
        finally:
            file.close()
        listed = [[place.part, place.start, place.stop, place.first_row] for place in found]
        groups = [listed[first : first + PARTS_PER_CHILD] for first in range(0, len(listed), PARTS_PER_CHILD)]
        self.bucket.put_json(f"{self.prefix}/parts.json", [{"places": group} for group in groups])

    def examine(self, listed: list[list[Any]]) -> None:
        """Examine some parts and put what each of them gives."""
        file = open_file(self.source, self.check.wanted, self._data)
        try:
            for place in (Place(*one) for one in listed):
                self._examine(file, place)
        finally:
            file.close()

    def finish(self) -> Examination:
        """Fetch what the children gave, and judge the file as one pass would have."""
        reports = self._fetch()
        for report in reports:
            if "code" in report:
                return refused(Refusal(report["code"], report["reason"]))
        parts = [Part.from_dict(report) for report in reports]
        _refuse_gaps(parts)
        file = open_file(self.source, self.check.wanted, self._data)
        try:
            self.source.verify()
            return finish(file, parts, self.check)
        except Refusal as refusal:
            return refused(refusal)
        finally:
            file.close()

    @property
    def _data(self) -> Any:
        return self.check.project.data

    def _counted(self) -> Iterator[Tally]:
        for found in self.bucket.list(f"{self.prefix}/counts/"):
            for turns, ends, first in self.bucket.get_json(found.key):
                yield Tally(turns, (ends[0], ends[1]), (first[0], first[1]))

    def _examine(self, file: Any, place: Place) -> None:
        folder, part = self.check.folder, f"{place.part:05d}"
        try:
            found = self.check.examine(file.rows(place))
            content = replace(found, place=place).to_dict()
        except Refusal as refusal:
            content = {"place": [place.part], "code": refusal.code, "reason": refusal.reason}
        for path in sorted(folder.glob(f"{part}.*")):
            if path.stat().st_size:
                self.bucket.put_file(f"{self.prefix}/parts/{path.name}", path)
            path.unlink()
        # The report comes last: where it is, everything is.
        self.bucket.put_json(f"{self.prefix}/parts/{part}.json", content)

    def _fetch(self) -> list[dict[str, Any]]:
        """Bring the parts' files into the folder; return the reports in order."""
        planned = [
            place[0]
            for group in self.bucket.get_json(f"{self.prefix}/parts.json")
            for place in group["places"]
        ]
        stored = [found.key for found in self.bucket.list(f"{self.prefix}/parts/")]
        reports = {}
        for key in stored:
            name = key.rpartition("/")[2]
            part, _, suffix = name.partition(".")
            if int(part) not in planned:
                continue
            if suffix == "json":
                reports[int(part)] = json.loads(self.bucket.get(key))
            else:
                self.bucket.fetch(key, Path(self.check.folder) / name)
        return [reports[part] for part in planned]


def _refuse_gaps(parts: list[Part]) -> None:
    """Refuse to go on when rows were lost between two parts, which would be an error of ours."""
    for part, following in pairwise(parts):
        if part.after != following.place.first_row:
            raise BadInput(
                f"part {part.place.part} ends before row {part.after:,} but the next one starts with row "
                f"{following.place.first_row:,}; the file has line breaks that cannot be told apart: "
                "upload it with "
                "quotes as RFC 4180 says, or in smaller files"
            )
