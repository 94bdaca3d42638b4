"""Bad input and bad luck on the way from an upload to a dataset version, on moto in this process."""

import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from moto import mock_aws

from lambdas.commit_dataset import handler as commit_dataset
from lambdas.validate_upload import handler as validate_upload
from tests.unit import shop
from tests.unit.shop import Cloud
from trimtab.aws import clients, settings, uploads
from trimtab.aws.table import Table

ROWS = [shop.row(number) for number in range(20)]
CACHES = (clients._client, settings.function_settings, uploads.rules)


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    """Return the stack's buckets and table, with the shop's functions configured for them."""
    for name, value in shop.VARIABLES.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        configure(monkeypatch, tmp_path, "")
        yield Cloud.make()
    for cache in CACHES:
        cache.cache_clear()


def configure(patch: pytest.MonkeyPatch, root: Path, lines: str) -> None:
    """Point the functions at a shop with more lines under [data]."""
    folder = shop.make_folder(root, project=shop.PROJECT.replace("[features]", f"{lines}\n[features]"))
    for cache in CACHES:
        cache.cache_clear()
    patch.setattr(settings, "project_folder", lambda: folder)


def validate(event: dict[str, str]) -> dict[str, Any]:
    """Run the check as the machine would."""
    answer: dict[str, Any] = json.loads(json.dumps(validate_upload.handler(event, shop.Invocation())))
    return answer


def commit(checked: dict[str, Any]) -> dict[str, Any]:
    """Commit as the machine would."""
    return commit_dataset.handler({"checked": checked, "time": shop.TIME, "entered": shop.TIME}, None)


def refused(cloud: Cloud, event: dict[str, str], code: str) -> str:
    """Check that a file is refused with a code and leaves a record, a report and no data; return why."""
    checked = validate(event)
    assert (checked["verdict"], checked["code"]) == ("refused", code), checked["reason"]
    report, _ = cloud.quarantine(checked)
    assert report["reason"] == checked["reason"]
    record = Table(shop.TABLE).get("UPLOAD#shop", f"{event['key']}#{event['version_id']}")
    assert record is not None
    assert record["verdict"] == "refused"
    assert not cloud.keys("objects/")
    assert not cloud.keys("datasets/")
    return str(checked["reason"])


def datasets() -> list[dict[str, Any]]:
    """Return the records of all dataset versions."""
    return sorted(Table(shop.TABLE).query("DATASET#shop"), key=lambda item: str(item["sk"]))


def test_F01_an_event_delivered_a_hundred_times_commits_once(cloud: Cloud) -> None:
    event = cloud.put("january.csv", shop.upload([*ROWS, shop.row(20, place="Paris")]))
    first = validate(event)
    version = commit(first)["dataset_id"]
    before, stored = datasets(), {key: cloud.read(key) for key in cloud.keys("")}
    for _ in range(8):
        assert validate(event) == first
        assert commit(first)["dataset_id"] == version
    assert datasets() == before
    assert {key: cloud.read(key) for key in cloud.keys("")} == stored


def test_F02_two_versions_in_reverse_order_leave_the_newest_current(cloud: Cloud) -> None:
    older, newer = cloud.put("a.csv", shop.good(20)), cloud.put("a.csv", shop.good(21))
    current = commit(validate(newer))["dataset_id"]
    late = commit(validate(older))
    assert (late["superseded"], late["superseded_by"]) == (True, current)
    assert [item["sk"] for item in datasets() if not item.get("superseded_by")] == [current]


def test_F03_an_object_already_gone_is_refused_and_recorded_without_retry(cloud: Cloud) -> None:
    event = cloud.put("january.csv", shop.good())
    cloud.s3.delete_object(Bucket=shop.DATA, Key=event["key"], VersionId=event["version_id"])
    assert "upload the file again" in refused(cloud, event, "GONE")
    hidden = cloud.put("february.csv", shop.good())
    cloud.s3.delete_object(Bucket=shop.DATA, Key=hidden["key"])
    assert validate(hidden)["verdict"] == "accepted", "a delete marker hides a version, which is still there"


def test_F04_a_file_cut_off_on_its_way_is_refused_by_its_checksum(cloud: Cloud) -> None:
    whole = shop.good(40)
    key, sha256 = "landing/shop/data/january.csv", hashlib.sha256(whole).hexdigest()

    def put(body: bytes) -> dict[str, str]:
        stored = cloud.s3.put_object(Bucket=shop.DATA, Key=key, Body=body, Metadata={"sha256": sha256})
        return {"bucket": shop.DATA, "key": key, "version_id": stored["VersionId"], "time": shop.TIME}

    cut = whole[: whole.rindex(b"\np3")] + b"\n"  # whole rows, so that nothing else shows it
    assert "was changed or cut off on its way" in refused(cloud, put(cut), "CHECKSUM")
    assert commit(validate(put(whole)))["superseded"] is False


def test_F04_an_unfinished_multipart_upload_is_nothing_yet(cloud: Cloud) -> None:
    key = "landing/shop/data/january.csv"
    begun = cloud.s3.create_multipart_upload(Bucket=shop.DATA, Key=key)
    part = cloud.s3.upload_part(
        Bucket=shop.DATA, Key=key, UploadId=begun["UploadId"], PartNumber=1, Body=shop.good()
    )
    assert cloud.keys("landing/") == []
    done = cloud.s3.complete_multipart_upload(
        Bucket=shop.DATA, Key=key, UploadId=begun["UploadId"],
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )  # fmt: skip
    event = {"bucket": shop.DATA, "key": key, "version_id": done["VersionId"], "time": shop.TIME}
    assert validate(event)["verdict"] == "accepted"


@pytest.mark.parametrize("name", ["with space.csv", "a+b%2F.csv", "été/日本.csv", "..hidden.csv"])
def test_F05_any_name_is_read_as_it_is_and_only_content_names_what_is_written(
    name: str, cloud: Cloud
) -> None:
    checked = validate(cloud.put(name, shop.upload([*ROWS, shop.row(20, place="Paris")])))
    assert checked["verdict"] == "quarantined"
    commit(checked)
    _, rows = cloud.quarantine(checked)
    assert rows[0]["key"] == f"landing/shop/data/{name}"
    assert rows[0]["version_id"] == checked["version_id"]
    written = [key for key in cloud.keys("") if not key.startswith("landing/")]
    assert len(written) == 7
    assert all(key.isascii() and name not in key for key in written)
    outside = {"bucket": shop.DATA, "key": "landing/shop/data/../x.csv", "version_id": "v", "time": shop.TIME}
    assert validate(outside)["code"] == "KEY"


def test_F06_a_file_of_zero_bytes_is_refused(cloud: Cloud) -> None:
    assert "upload it again" in refused(cloud, cloud.put("january.csv", b""), "EMPTY_FILE")


def test_F07_a_header_without_rows_is_refused_and_what_was_committed_stays(cloud: Cloud) -> None:
    version = commit(validate(cloud.put("january.csv", shop.good())))["dataset_id"]
    checked = validate(cloud.put("january.csv", shop.upload([])))
    assert (checked["verdict"], checked["code"]) == ("refused", "NO_ROWS")
    (item,) = datasets()
    assert (item["sk"], item.get("superseded_by")) == (version, None)


@pytest.mark.parametrize(("delimiter", "name"), [(";", "semicolon"), ("\t", "tab"), ("|", "pipe")])
def test_F08_another_delimiter_is_named_and_never_guessed(delimiter: str, name: str, cloud: Cloud) -> None:
    data = shop.good().replace(b",", delimiter.encode())
    reason = refused(cloud, cloud.put("january.csv", data), "SCHEMA_MISMATCH")
    assert f"delimited by {name}" in reason
    assert "data.delimiter" in reason


def test_F09_quotes_marks_and_line_ends_are_read_and_ragged_rows_counted(cloud: Cloud) -> None:
    rows = [shop.row(number, weight="1", email='"a ""b""\r\n@c"') for number in range(1100)]
    data = b"\xef\xbb\xbf" + shop.upload([*rows[:7], "p7,half", *rows[8:]]).replace(b"\n", b"\r\n").replace(
        b"\r\r", b"\r"
    )
    checked = validate(cloud.put("january.csv", data))
    assert (checked["verdict"], checked["rows"], checked["quarantined"]) == ("quarantined", 1100, 1)
    _, (row,) = cloud.quarantine(checked)
    assert (row["row"], row["text"], row["reasons"][0]["check"]) == (9, "p7,half", "cells")
    broken = shop.upload([*rows[:7], "p7,half", "p8,half", *rows[9:]])
    assert validate(cloud.put("february.csv", broken))["code"] == "RAGGED_ROWS"


UNCLEAR = [
    pytest.param(shop.upload(['p1,"5" wide",,,,,', *ROWS]), "row 2 has a quote in the middle", id="quote"),
    pytest.param(shop.upload([*ROWS, "p1,a\rb,,,,,"]), "row 22 has a carriage return", id="return"),
    pytest.param(shop.good().replace(b"\n", b"\r"), "row 1 has a carriage return", id="returns_only"),
]


@pytest.mark.parametrize(("data", "words"), UNCLEAR)
def test_F09_rows_whose_ends_cannot_be_told_are_refused(data: bytes, words: str, cloud: Cloud) -> None:
    assert words in refused(cloud, cloud.put("january.csv", data), "FORMAT")


@pytest.mark.parametrize("encoding", ["cp1250", "utf-16", "utf-16-le", "latin-1"])
def test_F10_what_is_not_utf8_is_refused_with_the_byte_and_nothing_is_dropped(
    encoding: str, cloud: Cloud
) -> None:
    event = cloud.put("january.csv", shop.good().decode().encode(encoding))
    assert "byte" in refused(cloud, event, "ENCODING")


def test_F10_a_declared_encoding_is_read(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plain = validate(cloud.put("january.csv", shop.good()))
    configure(monkeypatch, tmp_path / "declared", 'encoding = "cp1250"')
    recoded = validate(cloud.put("january.csv", shop.good().decode().encode("cp1250")))
    assert recoded["manifest"]["files"] == plain["manifest"]["files"]


def test_F12_a_bomb_is_refused_at_its_bound_and_a_nested_archive_at_once(cloud: Cloud) -> None:
    bomb = gzip.compress(shop.good() + b"0" * 200_000)
    assert "more than 100,000 bytes" in refused(cloud, cloud.put("a.csv.gz", bomb), "TOO_LARGE")
    nested = gzip.compress(gzip.compress(shop.good()))
    assert "another archive" in refused(cloud, cloud.put("b.csv.gz", nested), "FORMAT")
    cut = gzip.compress(shop.good(400))[:-400]
    assert "damaged or cut off" in refused(cloud, cloud.put("c.csv.gz", cut), "FORMAT")
    assert "zip archive" in refused(cloud, cloud.put("d.csv.gz", b"PK\x03\x04rest"), "FORMAT")
    assert validate(cloud.put("e.csv", gzip.compress(shop.good())))["verdict"] == "accepted", (
        "by content, not name"
    )


def test_F13_a_hundred_thousand_columns_are_refused(cloud: Cloud) -> None:
    header = ",".join(f"c{number}" for number in range(10_000))
    assert "at most 2,000 are read" in refused(cloud, cloud.put("a.csv", f"{header}\n".encode()), "TOO_WIDE")


def turned(line: str) -> str:
    """Turn the order of the cells."""
    return ",".join(reversed(line.split(",")))


CHANGED = [
    pytest.param(shop.upload([f"{row},x" for row in ROWS], f"{shop.HEADER},new"), "accepted", "", id="added"),
    pytest.param(
        shop.upload([turned(row) for row in ROWS], turned(shop.HEADER)),
        "accepted", "", id="reordered",
    ),
    pytest.param(
        shop.upload([row.rpartition(",")[0].rpartition(",")[0] for row in ROWS], shop.HEADER[:-11]),
        "refused", "lacks column 'email'", id="dropped",
    ),
    pytest.param(
        shop.upload(ROWS, shop.HEADER.replace("weight", "weigth")), "refused", "mean 'weigth'", id="renamed"
    ),
    pytest.param(
        shop.upload(ROWS, shop.HEADER.replace("weight", "amount")), "refused", "2 times", id="duplicated"
    ),
]  # fmt: skip


@pytest.mark.parametrize(("data", "verdict", "words"), CHANGED)
def test_F14_a_changed_header_is_ignored_or_refused_by_name(
    data: bytes, verdict: str, words: str, cloud: Cloud
) -> None:
    plain = validate(cloud.put("a.csv", shop.good()))
    checked = validate(cloud.put("a.csv", data))
    assert checked["verdict"] == verdict
    assert words in (checked["reason"] or "")
    if verdict == "accepted":
        assert checked["manifest"]["files"] == plain["manifest"]["files"]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("weight", '"12,5"'),
        ("amount", "2.5"),
        ("at", "01.02.2013 05:00"),
        ("late", "yes"),
        ("amount", "0x2g"),
    ],
)
def test_F15_a_changed_type_is_counted_by_column_and_refused_over_the_share(
    column: str, cell: str, cloud: Cloud
) -> None:
    few = shop.upload([shop.row(number, **({column: cell} if number < 2 else {})) for number in range(20)])
    checked = validate(cloud.put("a.csv", few))
    assert (checked["verdict"], checked["quarantined"]) == ("quarantined", 2)
    report, rows = cloud.quarantine(checked)
    (finding,) = report["findings"]
    assert (finding["column"], finding["check"], finding["count"]) == (column, "type", 2)
    assert finding["remedy"]
    assert [row["values"][column] for row in rows] == [cell.strip('"')] * 2
    many = shop.upload(shop.row(number, **{column: cell}) for number in range(20))
    refusal = validate(cloud.put("b.csv", many))
    assert refusal["code"] == "TYPE_MISMATCH"
    assert f"'{column}'" in refusal["reason"]


def test_F18_only_declared_tokens_are_null_and_mixed_types_are_violations(cloud: Cloud) -> None:
    cells = ["NA", "", "N/A", "null", "-", " 1", "1 ", "nan", "inf", "1e3"]
    rows = [shop.row(number, weight=cells[number] if number < len(cells) else "1") for number in range(60)]
    checked = validate(cloud.put("a.csv", shop.upload(rows)))
    assert checked["verdict"] == "quarantined"
    _, aside = cloud.quarantine(checked)
    held = [row["values"]["weight"] for row in aside]
    assert held == ["N/A", "null", "-", " 1", "1 ", "nan", "inf", "1e3"]
    assert [row["reasons"][0]["check"] for row in aside] == ["type"] * 7 + ["less_than_or_equal_to(100)"]


def test_F18_in_json_a_number_is_no_text_and_a_text_no_number(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    configure(monkeypatch, tmp_path / "json", 'format = "jsonl"')
    good = {"prediction_id": "p", "at": "2013-01-01T05:00:00Z", "place": "Rome", "weight": 1.5, "amount": 2,
            "email": None, "late": 1}  # fmt: skip
    odd: list[dict[str, Any]] = [
        {"weight": "1.5"},
        {"place": 7},
        {"amount": 2.5},
        {"weight": True},
        {"email": ["a@b"]},
        {"weight": {"x": 1}},
    ]
    records = [{**good, **(odd[n] if n < len(odd) else {}), "prediction_id": f"p{n}"} for n in range(40)]
    lines = [json.dumps(record) for record in records]
    checked = validate(cloud.put("a.jsonl", "\n".join([*lines[:10], "", *lines[10:]]).encode()))
    assert (checked["verdict"], checked["rows"], checked["quarantined"]) == ("quarantined", 40, 6)
    _, aside = cloud.quarantine(checked)
    assert [row["row"] for row in aside] == [1, 2, 3, 4, 5, 6]
    assert {reason["check"] for row in aside for reason in row["reasons"]} == {"type"}


def test_a_quarantined_row_is_found_corrected_and_accepted_on_its_own(cloud: Cloud) -> None:
    checked = validate(
        cloud.put("january.csv", shop.upload([*ROWS, shop.row(20, place="Paris"), shop.row(21, weight="x")]))
    )
    commit(checked)
    _, rows = cloud.quarantine(checked)
    corrected = [{**row["values"], "place": "Rome", "weight": "1"} for row in rows]
    fixed = shop.upload(",".join(row[name] for name in shop.HEADER.split(",")) for row in corrected)
    again = validate(cloud.put("january-corrected.csv", fixed))
    assert (again["verdict"], again["accepted"]) == ("accepted", 2)
    commit(again)
    assert sum(int(item["rows"]) for item in datasets() if not item.get("superseded_by")) == 22


@pytest.mark.parametrize(
    ("lines", "data", "code"),
    [
        ("min_rows = 21", shop.good(20), "TOO_FEW_ROWS"),
        ("max_rows = 19", shop.good(20), "TOO_MANY_ROWS"),
        ("ordered = true", shop.upload(reversed(ROWS)), "OUT_OF_ORDER"),
    ],
)
def test_checks_of_the_whole_file_refuse_it(
    lines: str, data: bytes, code: str, cloud: Cloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for number, part_bytes in enumerate((300, 100_000)):
        configure(monkeypatch, tmp_path / str(number), f"{lines}\npart_bytes = {part_bytes}")
        assert "project.toml" in refused(cloud, cloud.put(f"{number}.csv", data), code)
    configure(
        monkeypatch, tmp_path / "fits", "min_rows = 20\nmax_rows = 20\nordered = true\npart_bytes = 300"
    )
    assert validate(cloud.put("fits.csv", shop.good(20)))["verdict"] == "accepted"


def test_repeated_keys_are_found_across_parts_whatever_their_type(tmp_path: Path) -> None:
    from tests.unit.examining import examine
    from trimtab.contract.contract import load_contract
    from trimtab.project import load_project

    unique = "    class Config:\n        unique = ['place', 'amount', 'late']\n"
    folder = shop.make_folder(tmp_path, contract=shop.CONTRACT + unique)
    project = load_project(folder)
    contract = load_contract(folder, project)
    chosen = random.Random(7)
    rows = [shop.row(number, amount=str(number + 1), place="Rome") for number in range(300)]
    for place in (50, 150, 299):
        rows[place] = shop.row(place, amount="7", place="Rome", late="" if place == 299 else "0")
    rows[6] = shop.row(6, amount="7", place="Rome", late="0")
    chosen.shuffle(rows)
    expected = sorted(
        number + 2
        for number, row in enumerate(rows)
        if ",Rome," in row and row.split(",")[4] == "7" and row[-1] == "0"
    )
    assert len(expected) == 3
    for part_bytes in (200, 1000, 10**6):
        work = tmp_path / str(part_bytes)
        work.mkdir()
        found = examine(shop.upload(rows), contract, project, work, part_bytes=part_bytes)
        assert [row["row"] for row in found.set_aside] == expected
        assert {reason["check"] for row in found.set_aside for reason in row["reasons"]} == {
            "multiple_fields_uniqueness"
        }
        assert found.accepted == 297
