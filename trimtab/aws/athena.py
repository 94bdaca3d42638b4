"""Tables of the Glue catalog, profiled by Athena where they lie. Imports awswrangler, on first use."""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import pyarrow as pa
from pyarrow import parquet

from trimtab.aws.faults import translated
from trimtab.aws.objects import Bucket
from trimtab.errors import BadInput, Gone
from trimtab.profile import Grid, Profile
from trimtab.profile.sql import SqlTable, profile_of_answer, profile_sql
from trimtab.profile.sql_moments import moments_of_answer, moments_sql

_LONGEST_STATEMENT = 262_144  # bytes that Athena takes


@dataclass(frozen=True, slots=True)
class Athena:
    """Where statements run: a workgroup, and an `s3://` folder for answers unless the workgroup has one."""

    workgroup: str = "primary"
    results: str | None = None

    def profile(
        self, table: SqlTable, grid: Grid, where: str = "", *, second_moments: bool = False
    ) -> tuple[Profile, int]:
        """Profile the rows that `where` holds for, all without it; return also the bytes that were scanned.

        Second moments take another scan, of the numeric columns. Raises BadInput for columns that do not fit
        the grid and for what Athena refuses.
        """
        with self._unloaded(profile_sql(grid, table, where), table) as (files, scanned):
            profile = profile_of_answer(grid, table, _parts(files))
        if not second_moments:
            return profile, scanned
        with self._unloaded(moments_sql(grid, table, where), table) as (files, again):
            moments = moments_of_answer(grid, pa.concat_tables(_parts(files)))
        return replace(profile, moments=moments), scanned + again

    @contextmanager
    def _unloaded(self, sql: str, table: SqlTable) -> Iterator[tuple[list[str], int]]:
        """Let Athena write an answer to a folder of its own, which is removed in the end."""
        import awswrangler as wr

        if len(sql.encode()) > _LONGEST_STATEMENT:
            raise BadInput(
                f"{table.database}.{table.name} has too many columns for one statement; name fewer"
            )
        with translated(f"ask Athena's workgroup {self.workgroup}"):
            folder = f"{self._folder().rstrip('/')}/trimtab-{uuid.uuid4()}/"
        try:
            with translated(f"ask Athena's workgroup {self.workgroup}"):
                # As Parquet: in CSV, an empty text and a null look the same to who reads them.
                # UNLOAD is documented for a SELECT, and says nothing of WITH.
                done = wr.athena.unload(
                    f"SELECT * FROM (\n{sql}\n)",  # noqa: S608
                    folder,
                    table.database,
                    workgroup=self.workgroup,
                )
            yield _files(done.manifest_location), int(done.raw_payload["Statistics"]["DataScannedInBytes"])
        except _refusals() as error:
            raise BadInput(
                f"Athena did not count table {table.database}.{table.name}: {' '.join(str(error).split())}; "
                "mend the table, the condition or the workgroup's limits"
            ) from error
        finally:
            with translated(f"remove {folder}"):
                wr.s3.delete_objects(folder)

    def _folder(self) -> str:
        import awswrangler as wr

        configured = wr.athena.get_work_group(self.workgroup)["WorkGroup"].get("Configuration", {})
        found = self.results or configured.get("ResultConfiguration", {}).get("OutputLocation")
        if not found:
            raise BadInput(
                f"workgroup {self.workgroup} has no place for results; name an s3:// folder for them"
            )
        return str(found)


def _refusals() -> tuple[type[Exception], ...]:
    from awswrangler import exceptions

    return exceptions.QueryFailed, exceptions.QueryCancelled, exceptions.InvalidArgumentValue


def find_table(database: str, name: str) -> SqlTable:
    """Look a table up in the Glue catalog; raise Gone if there is none."""
    import awswrangler as wr

    with translated(f"look up table {database}.{name} in the Glue catalog"):
        types = wr.catalog.get_table_types(database, name)
    if types is None:
        raise Gone(f"the Glue catalog has no table {database}.{name}; check the names and the region")
    return SqlTable(database, name, types)


def _files(manifest: str | None) -> list[str]:
    """Return the files of an answer: its folder also holds what Athena keeps about the statement."""
    if manifest is None:
        return []
    bucket, key = _place(manifest)
    return bucket.get(key).decode().split()


def _parts(files: list[str]) -> Iterator[pa.Table]:
    with tempfile.TemporaryDirectory(prefix="trimtab-") as folder:
        path = Path(folder) / "part"
        for name in files:
            bucket, key = _place(name)
            bucket.fetch(key, path)
            with parquet.ParquetFile(path) as file:
                for batch in file.iter_batches():
                    yield pa.Table.from_batches([batch])


def _place(address: str) -> tuple[Bucket, str]:
    parts = urlsplit(address)
    return Bucket(parts.netloc), parts.path.removeprefix("/")
