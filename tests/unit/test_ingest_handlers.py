"""The ingest machine's functions, on moto in this process."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from moto import mock_aws
from pyarrow import parquet

from lambdas.commit_dataset import handler as commit_dataset
from lambdas.join_labels import handler as join_labels
from lambdas.record_failure import handler as record_failure
from lambdas.validate_upload import handler as validate_upload
from tests.unit import shop
from tests.unit.shop import Cloud
from trimtab.aws import clients, settings, uploads
from trimtab.aws.table import Table, edges
from trimtab.contract import part

ROWS = [shop.row(number) for number in range(20)]
CAPTURED = "captured/shop/trimtab-dev-shop/AllTraffic/2013/01"


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Cloud]:
    """Return the stack's buckets and table, with the shop's functions configured for them."""
    folder = shop.make_folder(tmp_path)
    for name, value in shop.VARIABLES.items():
        monkeypatch.setenv(name, value)
    caches = (clients._client, settings.function_settings, uploads.rules)
    with mock_aws():
        for cache in caches:
            cache.cache_clear()
        monkeypatch.setattr(settings, "project_folder", lambda: folder)
        yield Cloud.make()
    for cache in caches:
        cache.cache_clear()


def validate(event: dict[str, str]) -> dict[str, Any]:
    """Run the check as the machine would; its answer has to be JSON."""
    answer: dict[str, Any] = json.loads(json.dumps(validate_upload.handler(event, shop.Invocation())))
    return answer


def join(event: dict[str, str]) -> dict[str, Any]:
    """Run the join as the machine would."""
    answer: dict[str, Any] = json.loads(json.dumps(join_labels.handler(event, None)))
    return answer


def commit(checked: dict[str, Any], entered: str = "2013-02-01T06:00:30.250Z") -> dict[str, Any]:
    """Commit as the machine would."""
    return commit_dataset.handler({"checked": checked, "time": shop.TIME, "entered": entered}, None)


def record(version: str) -> dict[str, Any]:
    """Read a dataset version's record."""
    item = Table(shop.TABLE).get("DATASET#shop", version)
    assert item is not None
    return item


def rows_of(cloud: Cloud, checked: dict[str, Any]) -> pa.Table:
    """Read the Parquet file of an answer."""
    sha256 = checked["manifest"]["files"][0]["sha256"]
    return parquet.read_table(pa.BufferReader(cloud.read(f"objects/{sha256}.parquet")))


def emitted(output: str) -> dict[str, float]:
    """Return the metrics in what a function printed."""
    documents = [json.loads(line) for line in output.splitlines()]
    return {
        metric["Name"]: document[metric["Name"]]
        for document in documents
        for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }


def test_a_file_that_takes_too_long_in_one_pass_is_refused_in_time(cloud: Cloud) -> None:
    event = cloud.put("january.csv.gz", gzip.compress(shop.good()))
    late = validate_upload.handler(event, shop.Invocation(remaining_ms=validate_upload.TO_FINISH_MS - 1))
    assert (late["verdict"], late["code"], late["accepted"]) == ("refused", "TOO_SLOW", 0)
    assert "smaller files" in late["reason"]
    assert cloud.keys("objects/") == []
    assert validate(event)["verdict"] == "accepted"


def test_a_good_upload_becomes_a_dataset_version_with_record_manifest_profile_and_lineage(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    event = cloud.put("january.csv", shop.good())
    checked = validate(event)
    assert (checked["verdict"], checked["rows"], checked["accepted"]) == ("accepted", 20, 20)
    assert checked["report_key"] is None
    committed = commit(checked)
    version = committed["dataset_id"]
    assert committed["superseded"] is False
    item = record(version)
    assert item["kind"] == "upload"
    assert item["committed_at"] == "2013-02-01T06:00:30Z"
    assert (item["event_from"], item["event_to"]) == ("2013-01-01T05:00:00Z", "2013-01-20T05:00:01Z")
    assert item["labelled"] is True
    manifest = json.loads(cloud.read(item["manifest_key"]))
    assert manifest["files"][0]["path"] == "data/january.csv/00000.parquet"
    beside = manifest["beside"]["objects"][manifest["files"][0]["sha256"]]
    assert beside["etag"] == beside["md5"]
    assert cloud.keys(item["profile_key"]) == [item["profile_key"]]
    upload = Table(shop.TABLE).get("UPLOAD#shop", f"{event['key']}#{event['version_id']}")
    assert upload is not None
    assert (upload["verdict"], upload["dataset_id"]) == ("accepted", version)
    assert edges(Table(shop.TABLE), f"dataset:{version}", "in") == [
        ("committed-as", f"upload:{event['key']}@{event['version_id']}")
    ]
    metrics = emitted(capsys.readouterr().out)
    assert metrics.pop("IngestSeconds") > 0
    assert metrics == {
        "BytesIn": len(shop.good()), "RowsIn": 20, "RowsAccepted": 20, "RowsQuarantined": 0,
        "QuarantinedShare": 0, "UploadsRefused": 0,
        "CommitLagSeconds": 30.25,
    }  # fmt: skip


def test_the_same_file_twice_is_one_version_with_the_same_bytes(cloud: Cloud) -> None:
    first = validate(cloud.put("january.csv", shop.good()))
    second = validate(cloud.put("january.csv", shop.good().replace(b"\n", b"\r\n")))
    assert first["manifest"]["files"] == second["manifest"]["files"]
    versions = [commit(first)["dataset_id"], commit(second)["dataset_id"], commit(second)["dataset_id"]]
    assert len(set(versions)) == 1
    assert len(cloud.keys("objects/")) == len(cloud.keys("profiles/")) == 1
    assert not record(versions[0]).get("superseded_by")


def test_bad_rows_are_quarantined_and_the_rest_is_committed(
    cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = [shop.row(20, place="Paris", email="nobody"), shop.row(21, weight="heavy")]
    checked = validate(cloud.put("january.csv", shop.upload([*ROWS, *bad])))
    assert (checked["verdict"], checked["accepted"], checked["quarantined"]) == ("quarantined", 20, 2)
    report, rows = cloud.quarantine(checked)
    assert [row["row"] for row in rows] == [22, 23]
    assert rows[0]["values"]["email"] == "nobody"
    assert "nobody" not in json.dumps(report)
    assert {finding["column"] for finding in report["findings"]} == {"place", "email", "weight"}
    out = capsys.readouterr().out
    assert emitted(out)["QuarantinedShare"] == pytest.approx(2 / 22)
    line = json.loads(out)
    assert line["QuarantinedByCheck"] == {
        "place: isin(['Rome', 'Nîmes'])": 1, "email: str_contains('@')": 1, "weight: type": 1
    }  # fmt: skip
    billed = {metric["Name"] for one in line["_aws"]["CloudWatchMetrics"] for metric in one["Metrics"]}
    assert billed == {
        "RowsIn", "RowsAccepted", "RowsQuarantined", "QuarantinedShare", "UploadsRefused", "BytesIn",
        "IngestSeconds",
    }  # fmt: skip
    assert rows_of(cloud, checked).num_rows == 20


def test_of_a_refused_file_the_quarantine_holds_the_first_bad_rows_and_says_where_the_others_are(
    cloud: Cloud,
) -> None:
    rows = [shop.row(number, weight="" if number % 9 == 0 else "heavy") for number in range(1_350)]
    event = cloud.put("january.csv", shop.upload(rows))
    checked = validate(event)
    report, aside = cloud.quarantine(checked)
    assert (checked["verdict"], report["quarantined"], report["copied"]) == ("refused", 1_200, 1_000)
    assert [row["row"] for row in aside] == [number + 2 for number in range(1_350) if number % 9][:1_000]
    assert report["warnings"] == [
        f"rows.jsonl holds 1,000 of 1,200 rows; all of them lie in version {event['version_id']} of "
        f"{event['key']}"
    ]
    assert cloud.s3.get_object(Bucket=shop.DATA, Key=event["key"], VersionId=event["version_id"])


def test_of_an_accepted_file_all_bad_rows_are_set_aside_however_many(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(part, "KEPT_BYTES", 1_000)
    bad = {number: {"weight": "heavy"} for number in range(0, 600, 5)}
    rows = [shop.row(number, **bad.get(number, {"weight": "1"})) for number in range(600)]
    checked = validate(cloud.put("january.csv", shop.upload(rows)))
    report, aside = cloud.quarantine(checked)
    assert (checked["verdict"], checked["accepted"], report["copied"]) == ("quarantined", 480, 120)
    assert ([row["row"] for row in aside], report["warnings"]) == ([number + 2 for number in bad], [])


@pytest.mark.parametrize("data", [b"", shop.upload([]), shop.good().replace(b",", b";"), b"\xff\xfe\x00"])
def test_F06_F07_F08_F10_a_refused_file_leaves_a_record_a_report_and_no_data(
    data: bytes, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    event = cloud.put("january.csv", data)
    checked = validate(event)
    assert checked["verdict"] == "refused"
    report, rows = cloud.quarantine(checked)
    assert (report["code"], report["reason"], rows) == (checked["code"], checked["reason"], [])
    upload = Table(shop.TABLE).get("UPLOAD#shop", f"{event['key']}#{event['version_id']}")
    assert upload is not None
    assert (upload["verdict"], upload["reason"]) == ("refused", checked["reason"])
    assert not cloud.keys("objects/")
    assert emitted(capsys.readouterr().out)["UploadsRefused"] == 1


def test_F03_a_version_that_was_deleted_is_refused_and_not_retried(cloud: Cloud) -> None:
    event = cloud.put("january.csv", shop.good())
    cloud.s3.delete_object(Bucket=shop.DATA, Key=event["key"], VersionId=event["version_id"])
    assert validate(event)["code"] == "GONE"


@pytest.mark.parametrize("name", ["with space.csv", "a+b%2F.csv", "été/日本.csv", "x#y.csv", "=cmd().csv"])
def test_F05_any_name_is_read_as_it_is_and_only_content_names_what_is_written(
    name: str, cloud: Cloud
) -> None:
    checked = validate(cloud.put(name, shop.upload([*ROWS, shop.row(20, place="Paris")])))
    assert checked["verdict"] == "quarantined"
    assert commit(checked)["superseded"] is False
    written = [
        *cloud.keys("objects/"),
        *cloud.keys("profiles/"),
        *cloud.keys("datasets/"),
        *cloud.keys("quarantine/"),
    ]
    assert len(written) == 5
    assert all(key.isascii() and name not in key for key in written)


@pytest.mark.parametrize(
    "key", ["landing/shop/data/../other.csv", "landing/other/data/x.csv", "landing/shop/x.csv"]
)
def test_F05_a_key_outside_the_folder_is_refused(key: str, cloud: Cloud) -> None:
    event = {"bucket": shop.DATA, "key": key, "version_id": "v", "time": shop.TIME}
    assert validate(event)["code"] == "KEY"


def test_the_empty_object_of_a_folder_is_ignored(cloud: Cloud) -> None:
    assert validate(cloud.put("", b""))["verdict"] == "ignored"
    assert not cloud.keys("quarantine/")


def test_F02_the_newest_object_wins_in_whatever_order_the_events_arrive(cloud: Cloud) -> None:
    older = cloud.put("january.csv", shop.good(20))
    newer = cloud.put("january.csv", shop.good(21))
    newest_committed = commit(validate(newer))
    late = commit(validate(older))
    assert newest_committed["superseded"] is False
    assert (late["superseded"], late["superseded_by"]) == (True, newest_committed["dataset_id"])
    assert record(late["dataset_id"])["superseded_by"] == newest_committed["dataset_id"]
    assert record(newest_committed["dataset_id"])["supersedes"] == late["dataset_id"]
    assert not record(newest_committed["dataset_id"]).get("superseded_by")


def test_a_correction_supersedes_and_going_back_to_the_old_content_supersedes_the_correction(
    cloud: Cloud,
) -> None:
    first = commit(validate(cloud.put("january.csv", shop.good(20))))["dataset_id"]
    other = commit(validate(cloud.put("february.csv", shop.good(20))))["dataset_id"]
    second = commit(validate(cloud.put("january.csv", shop.good(21))))["dataset_id"]
    assert record(first)["superseded_by"] == second
    back = commit(validate(cloud.put("january.csv", shop.good(20))))
    assert (back["dataset_id"], back["superseded"]) == (first, False)
    assert not record(first)["superseded_by"]
    assert record(second)["superseded_by"] == first
    assert not record(other).get("superseded_by")


def test_a_commit_that_is_repeated_changes_nothing(cloud: Cloud) -> None:
    older = validate(cloud.put("january.csv", shop.good(20)))
    newer = validate(cloud.put("january.csv", shop.good(21)))
    answers = [commit(older), commit(newer)]
    before = [record(answer["dataset_id"]) for answer in answers]
    assert commit(newer, "2013-02-02T00:00:00Z") == answers[1]
    assert commit(older, "2013-02-02T00:00:00Z")["superseded_by"] == answers[1]["dataset_id"]
    assert [record(answer["dataset_id"]) for answer in answers] == before


def capture(cloud: Cloud, rows: list[str], when: str = "2013-01-02T03:00:00Z", **answer: Any) -> None:
    """Put captured traffic where SageMaker would."""
    day, hour = when[8:10], when[11:13]
    line = shop.captured_line(rows, when, **answer)
    cloud.s3.put_object(
        Bucket=shop.DATA, Key=f"{CAPTURED}/{day}/{hour}/{when[14:16]}-{len(line)}.jsonl", Body=line
    )


def labels(*rows: str) -> bytes:
    """Return a file of labels."""
    return shop.upload(rows, "prediction_id,late,event_time")


def label(number: int, value: str, day: str = "02") -> str:
    """Return one label."""
    return f"p{number},{value},2013-01-{day}T09:00:00Z"


def test_labels_are_joined_with_what_was_captured_and_nothing_is_lost(cloud: Cloud) -> None:
    capture(cloud, ROWS[:10])
    capture(cloud, ROWS[10:], "2013-01-03T23:00:00Z", version="4", score=0.75)
    file = labels(*(label(number, str(number % 2)) for number in range(0, 20, 2)), label(77, "1"))
    event = cloud.put("january.csv", file, "labels")
    checked = join(event)
    assert (checked["verdict"], checked["kind"]) == ("accepted", "joined")
    counts = {name: checked[name] for name in ("rows", "accepted", "quarantined", "unmatched")}
    assert counts == {"rows": 11, "accepted": 10, "quarantined": 0, "unmatched": 1}
    table = rows_of(cloud, checked)
    assert table.column_names == [*shop.HEADER.split(","), "model_version", "score"]
    assert table["prediction_id"].to_pylist() == [f"p{number}" for number in range(0, 20, 2)]
    assert table["late"].to_pylist() == [0] * 10
    assert table["score"].to_pylist() == [0.25] * 5 + [0.75] * 5
    assert table["model_version"].to_pylist() == ["3"] * 5 + ["4"] * 5
    _, rows = cloud.quarantine(checked)
    assert [(row["row"], row["reasons"][0]["message"]) for row in rows] == [
        (12, "no prediction with this id was captured")
    ]
    committed = commit(checked)
    assert record(committed["dataset_id"])["kind"] == "joined"
    manifest = json.loads(cloud.read(record(committed["dataset_id"])["manifest_key"]))
    assert manifest["files"][0]["path"] == "labels/january.csv/00000.parquet"


def test_joined_rows_have_the_types_of_uploaded_rows(cloud: Cloud) -> None:
    capture(cloud, ROWS)
    uploaded = validate(cloud.put("january.csv", shop.good()))["manifest"]["schema"]
    joined = join(cloud.put("january.csv", labels(label(1, "1")), "labels"))["manifest"]["schema"]
    assert joined == [
        *uploaded,
        {"name": "model_version", "type": "string"},
        {"name": "score", "type": "double"},
    ]


def test_of_a_prediction_captured_twice_the_first_counts(cloud: Cloud) -> None:
    capture(cloud, ROWS[:2], "2013-01-02T05:00:00Z", version="4", score=0.9)
    capture(cloud, ROWS[:2], "2013-01-02T04:59:00Z", version="3", score=0.1)
    table = rows_of(cloud, join(cloud.put("a.csv", labels(label(0, "0"), label(1, "1")), "labels")))
    assert table["score"].to_pylist() == [0.1, 0.1]


def test_equal_labels_count_once_and_contradicting_ones_are_quarantined(cloud: Cloud) -> None:
    capture(cloud, ROWS)
    rows = [*(label(number, "1") for number in range(12)), label(3, "1"), label(4, "0"), label(5, "1")]
    checked = join(cloud.put("a.csv", labels(*rows), "labels"))
    assert (checked["accepted"], checked["quarantined"], checked["rows"]) == (11, 2, 15)
    report, set_aside = cloud.quarantine(checked)
    assert [row["row"] for row in set_aside] == [6, 15]
    assert set_aside[0]["reasons"][0]["message"] == "contradicts another label of the same prediction"
    assert report["warnings"] == ["2 rows repeat a label and were counted once"]


def test_captured_rows_that_break_the_contract_are_quarantined(cloud: Cloud) -> None:
    capture(cloud, [*ROWS, shop.row(20, place="Paris"), shop.row(21, amount="many")])
    checked = join(cloud.put("a.csv", labels(*(label(number, "1") for number in range(22))), "labels"))
    assert (checked["verdict"], checked["accepted"], checked["quarantined"]) == ("quarantined", 20, 2)
    _, set_aside = cloud.quarantine(checked)
    assert [row["values"]["prediction_id"] for row in set_aside] == ["p20", "p21"]


REFUSED_LABELS = [
    pytest.param(labels(label(500, "1")), "NO_PREDICTIONS", "none of the 1 labels belongs", id="no_match"),
    pytest.param(labels(label(1, "maybe")), "TYPE_MISMATCH", "column 'late' holds something else", id="type"),
    pytest.param(
        labels(label(1, "NA"), label(2, "")), "TOO_MANY_BAD_ROWS", "'late' must not be null", id="null"
    ),
    pytest.param(
        labels(label(1, "1"), label(1, "0")), "TOO_MANY_BAD_ROWS", "contradicts another", id="conflict"
    ),
    pytest.param(labels(label(1, "7")), "TOO_MANY_BAD_ROWS", "isin([0, 1])", id="value"),
    pytest.param(labels("p1,1,2013-01-02"), "NAIVE_TIMESTAMP", "'event_time'", id="naive"),
    pytest.param(shop.good(), "SCHEMA_MISMATCH", "lacks column 'event_time'", id="data_instead_of_labels"),
    pytest.param(b"", "EMPTY_FILE", "empty", id="empty"),
]


@pytest.mark.parametrize(("file", "code", "words"), REFUSED_LABELS)
def test_labels_that_cannot_be_used_are_refused_with_the_reason(
    file: bytes, code: str, words: str, cloud: Cloud
) -> None:
    capture(cloud, ROWS)
    checked = join(cloud.put("a.csv", file, "labels"))
    assert (checked["verdict"], checked["code"]) == ("refused", code)
    assert words in checked["reason"]


def test_labels_find_predictions_made_days_before_the_event(cloud: Cloud) -> None:
    capture(cloud, ROWS[:1], "2013-01-03T23:59:00Z")
    capture(cloud, ROWS[1:2], "2013-01-02T23:59:00Z")
    checked = join(cloud.put("a.csv", labels(label(0, "0", "05"), label(1, "1", "05")), "labels"))
    assert (checked["accepted"], checked["unmatched"]) == (1, 1)


def test_labels_joined_again_after_more_traffic_replace_the_former_version(cloud: Cloud) -> None:
    capture(cloud, ROWS[:1])
    event = cloud.put("a.csv", labels(label(0, "0"), label(1, "1")), "labels")
    former = commit(join(event))["dataset_id"]
    capture(cloud, ROWS[1:2], "2013-01-02T04:00:00Z")
    latter = commit(join(event))
    assert latter["superseded"] is False
    assert record(former)["superseded_by"] == latter["dataset_id"]


def test_the_first_accepted_file_decides_the_grid(cloud: Cloud) -> None:
    validate(cloud.put("a.csv", shop.good(20)))
    grid = cloud.read("grids/shop.json")
    validate(cloud.put("b.csv", shop.upload(shop.row(number, weight="99") for number in range(20))))
    assert cloud.read("grids/shop.json") == grid
    assert {column["name"] for column in json.loads(grid)["columns"]} == {
        "weight",
        "amount",
        "place",
        "score",
    }


ARN = "arn:aws:states:us-east-1:123456789012:execution:trimtab-dev-shop-train:train-abc"
FAILURE = {"machine": "train", "execution_arn": ARN, "time": shop.TIME, "project": "shop"}


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (
            json.dumps({"errorMessage": "the job failed", "errorType": "BadInput", "stackTrace": []}),
            "the job failed",
        ),
        (json.dumps({"TrainingJobName": "x", "FailureReason": "out of memory"}), "out of memory"),
        ("plain words\nmore", "plain words"),
        ("", "no cause was given"),
    ],
)
def test_a_failure_is_recorded_once_with_its_reason(cause: str, reason: str, cloud: Cloud) -> None:
    event = {**FAILURE, "error": {"Error": "BadInput", "Cause": cause}}
    record_failure.handler(event, None)
    record_failure.handler(event, None)
    (item,) = Table(shop.TABLE).query("RUN#shop")
    assert item["sk"] == "train#2013-02-01T06:00:00Z#train-abc"
    assert (item["outcome"], item["error"], item["reason"]) == ("failed", "BadInput", reason)


@pytest.mark.parametrize(("holder", "released"), [(ARN, True), (ARN + "-other", False)])
def test_a_failed_run_releases_the_lock_if_it_is_its_own(holder: str, released: bool, cloud: Cloud) -> None:
    table = Table(shop.TABLE)
    table.put({"pk": "LOCK#shop", "sk": "train", "execution_arn": holder, "expires_at": 1})
    record_failure.handler({**FAILURE, "error": {"Error": "X", "Cause": ""}}, None)
    assert (table.get("LOCK#shop", "train") is None) is released
