"""Ask version 1 about the whole year while the year goes on: what would it have answered, had it stayed?"""

import io
import subprocess
import tarfile
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from demo import data
from demo.play import ENVIRONMENT, FIRST_TRAFFIC, PROJECT
from localcloud import LocalCloud
from trimtab import names
from trimtab.aws.table import Table

LAST_MONTH = 12


class FrozenVersion:
    """Version 1 on its own, outside of any endpoint, in a process that works when nobody else does."""

    def __init__(self, cloud: LocalCloud, scratch: Path) -> None:
        """Take a folder to work in; nothing runs before `start`."""
        self._cloud, self._scratch = cloud, scratch
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin to score every month's traffic with the first registered model; return at once."""
        first = next(iter(Table(names.table(ENVIRONMENT)).query(f"MODEL#{PROJECT}")))
        requests = self._scratch / "requests"
        requests.mkdir(parents=True)
        for month in range(FIRST_TRAFFIC.month, LAST_MONTH + 1):
            (requests / f"{month:02d}.csv").write_bytes(data.monthly_request(month))
        bucket, key = first["artifact"].removeprefix("s3://").split("/", 1)
        archive = self._cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(archive)) as members:
            members.extractall(self._scratch / "model", filter="data")
        script = Path(__file__).with_name("frozen.py")
        self._process = subprocess.Popen(
            [self._cloud.container_python, script, self._scratch / "model", requests]
        )

    def scores(self) -> pa.Table:
        """Wait for the answers and return them: `prediction_id` and `frozen`."""
        if self._process is None:
            raise RuntimeError("version 1 never answered a request, so that there is nothing to compare with")
        if code := self._process.wait():
            raise RuntimeError(f"scoring with version 1 ended with exit code {code}; see the lines above")
        parts = [csv.read_csv(path) for path in sorted(self._scratch.glob("requests/*.scores"))]
        answers = pa.concat_tables(parts).select(["prediction_id", "score"])
        return answers.rename_columns(["prediction_id", "frozen"])
