"""A file too large for one function, checked in parts side by side, gives what one pass gives."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws
from pyarrow import parquet

from lambdas.validate_upload import handler as validate_upload
from tests.unit import shop
from tests.unit.shop import Cloud
from trimtab.aws import clients, settings, uploads
from trimtab.contract import part

CACHES = (clients._client, settings.function_settings, uploads.rules)
ROWS = [shop.row(number) for number in range(400)]
UNTIDY = shop.upload(
    [
        *ROWS[:50],
        shop.row(50, place="Paris"),
        shop.row(51, email='"two\nlines, and ""quotes""@example.org"'),
        ROWS[7],
        "",
        *ROWS[52:300],
        shop.row(300, weight="heavy", email="nobody"),
        *ROWS[301:],
        ROWS[399],
        ROWS[7],
    ]
)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    """Return buckets and table of a shop whose parts have 2,000 bytes."""
    for name, value in shop.VARIABLES.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        configure(monkeypatch, tmp_path / "small", "max_lambda_bytes = 100000000\npart_bytes = 2000")
        yield Cloud.make()
    for cache in CACHES:
        cache.cache_clear()


def configure(patch: pytest.MonkeyPatch, root: Path, lines: str) -> None:
    """Point the functions at a shop with other settings."""
    folder = shop.make_folder(root, project=shop.PROJECT.replace("[features]", f"{lines}\n[features]"))
    for cache in CACHES:
        cache.cache_clear()
    patch.setattr(settings, "project_folder", lambda: folder)


def call(event: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Call the function as the machine would; input and answer have to be JSON."""
    answer = validate_upload.handler({**event, **more}, shop.Invocation())
    checked: dict[str, Any] = json.loads(json.dumps(answer))
    return checked


def fan_out(cloud: Cloud, event: dict[str, Any]) -> dict[str, Any]:
    """Walk through the steps as the machine does, children in reverse order and one of them twice."""
    answer = call(event)
    assert answer["verdict"] == "split"
    ranges = json.loads(cloud.read(answer["ranges_key"]))
    for one in reversed(ranges):
        assert call(event, step="count", range=one) == {}
    assert call(event, step="plan") == {}
    parts = json.loads(cloud.read(answer["parts_key"]))
    assert len(parts) > 1
    for one in [*reversed(parts), parts[0]]:
        assert call(event, step="check", part=one) == {}
    return call(event, step="finish")


def kept(cloud: Cloud, answer: dict[str, Any]) -> dict[str, Any]:
    """Return everything that an answer and the objects behind it say, except for places of storage."""
    rows = answer["report_key"] and answer["report_key"].replace("report.json", "rows.jsonl")
    return {
        "answer": {name: value for name, value in answer.items() if name != "manifest"},
        "files": answer.get("manifest", {}).get("files"),
        "schema": answer.get("manifest", {}).get("schema"),
        "report": answer["report_key"] and json.loads(cloud.read(answer["report_key"])),
        "rows": rows and cloud.keys(rows) and cloud.read(rows),
    }


def make_parquet(folder: Path) -> bytes:
    """Write the untidy rows, as far as types allow, as Parquet with small row groups."""
    import pandas as pd

    frame: Any = pd.DataFrame(
        [dict(zip(shop.HEADER.split(","), line.split(","), strict=True)) for line in ROWS]
    )
    frame = frame.astype({"weight": float, "amount": "int64", "late": "int64"})
    frame["at"] = pd.to_datetime(frame["at"])
    frame.loc[5, "place"] = "Paris"
    frame.loc[9, "prediction_id"] = frame.loc[200, "prediction_id"]
    path = folder / "rows.parquet"
    frame.to_parquet(path, row_group_size=16)
    assert parquet.ParquetFile(path).num_row_groups == 25
    return path.read_bytes()


JSONL = b"".join(
    json.dumps({**dict(zip(shop.HEADER.split(","), line.split(","), strict=True)),
                "weight": number / 4, "amount": 1,
                "late": number % 2, "place": "Paris" if number == 77 else "Rome"}).encode() + b"\n"
    for number, line in enumerate(ROWS)
)  # fmt: skip
CASES = [
    pytest.param("csv", UNTIDY, "quarantined", id="untidy"),
    pytest.param("csv", shop.upload(ROWS), "accepted", id="clean"),
    pytest.param("csv", UNTIDY.replace(b"\n", b"\r\n"), "quarantined", id="windows"),
    pytest.param("csv", UNTIDY + b"\xff\n", "refused", id="encoding_at_the_end"),
    pytest.param("csv", shop.upload([*ROWS, 'x,"y"z,,,,,']), "refused", id="stray_quote"),
    pytest.param("csv", shop.upload([shop.row(n, weight="x") for n in range(400)]), "refused", id="type"),
    pytest.param("jsonl", JSONL, "quarantined", id="jsonl"),
]


@pytest.mark.parametrize(("format", "data", "verdict"), CASES)
def test_parts_side_by_side_give_what_one_pass_gives(
    format: str, data: bytes, verdict: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agrees(format, data, verdict, cloud, monkeypatch, tmp_path)


@pytest.mark.parametrize(("format", "data", "verdict"), CASES)
def test_they_agree_as_well_when_parts_have_no_room_for_their_bad_rows(
    format: str, data: bytes, verdict: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(part, "KEPT_BYTES", 500)
    agrees(format, data, verdict, cloud, monkeypatch, tmp_path)


def test_row_groups_side_by_side_give_what_one_pass_gives(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agrees("parquet", make_parquet(tmp_path), "quarantined", cloud, monkeypatch, tmp_path)


def agrees(
    format: str, data: bytes, verdict: str, cloud: Cloud, patch: pytest.MonkeyPatch, folder: Path
) -> None:
    """Check that both ways agree on one file, before the project has a grid and after."""
    lines = f'format = "{format}"\npart_bytes = 2000\nmax_lambda_bytes ='
    event = cloud.put("january", data)
    configure(patch, folder / "apart", f"{lines} 1000")
    apart = kept(cloud, fan_out(cloud, event))
    assert apart["answer"]["verdict"] == verdict
    configure(patch, folder / "once", f"{lines} 100000000")
    once = kept(cloud, call(event))
    assert apart == once
    if verdict != "refused":
        assert len(once["files"]) > 1
    configure(patch, folder / "again", f"{lines} 1000")
    assert kept(cloud, fan_out(cloud, event)) == once


def test_a_compressed_file_is_streamed_once_whatever_its_size(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import gzip

    plain = call(cloud.put("january", UNTIDY))
    configure(monkeypatch, tmp_path / "low", "max_lambda_bytes = 10\npart_bytes = 2000")
    packed = call(cloud.put("january", gzip.compress(UNTIDY)))
    assert packed["manifest"]["files"] == plain["manifest"]["files"]
    assert packed["profile_key"] == plain["profile_key"]


def test_a_child_that_fails_and_runs_again_changes_nothing(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(monkeypatch, tmp_path / "low", "max_lambda_bytes = 10\npart_bytes = 2000")
    event = cloud.put("january", UNTIDY)
    first = kept(cloud, fan_out(cloud, event))
    assert kept(cloud, fan_out(cloud, event)) == first
