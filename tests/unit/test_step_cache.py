"""The step cache's key, its entries and its explanations."""

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from moto import mock_aws

from tests.unit.training_world import SETTINGS, create_world
from trimtab.aws import clients, step_cache
from trimtab.aws.objects import Bucket
from trimtab.aws.table import Table
from trimtab.cache import Entry, Output, compare, is_fresh, key_of, nearest, parts_of
from trimtab.model.training_job import job_document, recipe_id, step_parts
from trimtab.project import Project
from trimtab.training.job import Job

NOON = datetime(2013, 3, 1, 12, tzinfo=UTC)


def parts(**changes: Any) -> dict[str, Any]:
    known: dict[str, Any] = {
        "stage": "train",
        "code": "c" * 64,
        "parameters": {"seed": 0, "threads": 1, "parameters": {"rate": 0.1, "depth": 1.0}},
        "environment": {"image": "sklearn:1"},
        "inputs": {"training_set": "t" * 64, "grid": "g" * 64, "champion": None},
    }
    return parts_of(**{**known, **changes})


def entry(made_at: str = "2013-03-01T00:00:00Z", **changes: Any) -> Entry:
    own = changes.pop("parts", None) or parts()
    fields: dict[str, Any] = {
        "key": key_of(own),
        "outputs": (),
        "facts": {"auc": 0.7},
        "job": "shop-1-0",
        "execution": "arn",
    }
    return Entry(parts=own, made_at=made_at, **{**fields, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"stage": "score"},
        {"code": "d" * 64},
        {"parameters": {"seed": 1, "threads": 1, "parameters": {"rate": 0.1, "depth": 1.0}}},
        {"parameters": {"seed": 0, "threads": 2, "parameters": {"rate": 0.1, "depth": 1.0}}},
        {"environment": {"image": "sklearn:2"}},
        {"inputs": {"training_set": "u" * 64, "grid": "g" * 64, "champion": None}},
        {"inputs": {"training_set": "t" * 64, "grid": "g" * 64, "champion": "m" * 64}},
    ],
)
def test_every_part_is_in_the_key(changes: dict[str, Any]) -> None:
    assert key_of(parts(**changes)) != key_of(parts())


SHOP = {
    "name": "shop",
    "data": {"timestamp": "at", "label": "late"},
    "features": {"numeric": ["weight", "amount"], "categorical": ["place"]},
}
# Each setting that the job is told, with another value, and the part of the key that names it.
TOLD = [
    ("data.timestamp", "t", "columns.timestamp"),
    ("data.label", "y", "columns.label"),
    ("data.prediction_id", "id", "columns.prediction_id"),
    ("data.null_tokens", ["-"], "columns.null_tokens"),
    ("data.timezone", "Europe/Rome", "columns.timezone"),
    ("features.numeric", ["weight"], "columns.numeric"),
    ("features.categorical", [], "columns.categorical"),
    ("train.seed", 7, "seed"),
    ("train.threads", 2, "threads"),
    ("train.parameters", {"rate": 0.1}, "parameters.rate"),
    ("monitor.season", "month", "season"),
    ("gate.confidence", 0.9, "gate.confidence"),
    ("gate.resamples", 600, "gate.resamples"),
    ("gate.importance_folds", 3, "gate.importance_folds"),
]
# Where they decide anything, they do so before the job or after it.
NOT_TOLD = [
    ("description", "a shop"),
    ("data.max_bad_share", 0.5),
    ("train.cooldown_days", 1),
    ("train.schedule", "rate(3 days)"),
    ("gate.min_auc", 0.7),
    ("serve.approval", "manual"),
    ("serve.capture_percentage", 50),
    ("monitor.window", "day"),
    ("monitor.persistence", [1, 1]),
]


def parts_with(setting: str | None = None, value: Any = None) -> dict[str, Any]:
    """Return the key's parts of a shop one of whose settings is another."""
    edited: dict[str, Any] = copy.deepcopy(SHOP)
    if setting:
        *section, name = setting.split(".")
        place = edited.setdefault(section[0], {}) if section else edited
        place[name] = value
    project = Project.model_validate(edited)
    order = job_document(project, training_set={"id": "t"}, grid={}, code_sha256="c", champion=None)
    return step_parts(order, image="sklearn:1", instance_type="ml.m5.large")


@pytest.mark.parametrize(("setting", "value", "part"), TOLD)
def test_a_setting_that_the_job_is_told_changes_the_key_and_is_named(
    setting: str, value: Any, part: str
) -> None:
    changed = [row["part"] for row in compare(parts_with(setting, value), parts_with()) if row["changed"]]
    assert changed == [f"parameters.{part}"]


@pytest.mark.parametrize(("setting", "value"), NOT_TOLD)
def test_any_other_setting_leaves_the_key_as_it_is(setting: str, value: Any) -> None:
    assert key_of(parts_with(setting, value)) == key_of(parts_with())


@pytest.mark.parametrize(("setting", "value", "_part"), [*TOLD, ("gate.min_auc", 0.7, "")])
def test_a_setting_that_may_change_the_verdict_makes_another_recipe(
    setting: str, value: Any, _part: str
) -> None:
    section, name = setting.split(".")
    edited = Project.model_validate(SHOP | {section: {**SHOP.get(section, {}), name: value}})  # type: ignore[dict-item]
    assert recipe_id("t", "c", edited) != recipe_id("t", "c", Project.model_validate(SHOP))


def test_every_setting_that_the_job_may_read_is_in_the_key() -> None:
    order = job_document(
        Project.model_validate(SHOP), training_set={"id": "t"}, grid={}, code_sha256="c", champion=None
    )
    known = {"schema", "project", "training_set", "grid", "code_sha256", "champion"}
    assert order.keys() - known == {"seed", "threads", "parameters", "columns", "season", "gate"}
    assert set(Job.__annotations__["gate"].__annotations__) == {"confidence", "resamples", "folds"}


def test_an_entry_is_fresh_up_to_its_age_and_never_when_the_cache_is_off() -> None:
    kept = entry("2013-02-28T12:00:00Z")
    assert is_fresh(kept, NOON, timedelta(days=1))
    assert not is_fresh(kept, NOON + timedelta(seconds=1), timedelta(days=1))
    assert not is_fresh(kept, NOON, timedelta(0))


def test_an_explanation_shows_every_part_and_what_changed() -> None:
    now = parts(code="d" * 64, inputs={"training_set": "u" * 64, "grid": "g" * 64, "champion": None})
    rows = {row["part"]: row for row in compare(now, parts())}
    assert {name for name, row in rows.items() if row["changed"]} == {"code", "inputs.training_set"}
    assert rows["code"] == {"part": "code", "now": "d" * 64, "stored": "c" * 64, "changed": True}
    assert rows["parameters.parameters.rate"]["now"] == 0.1
    assert all(row["changed"] for row in compare(now, None))


def test_the_nearest_entry_differs_in_the_fewest_parts_and_is_the_newest_of_those() -> None:
    far = entry(parts=parts(code="x", environment={"image": "sklearn:0"}), job="far")
    old, new = (entry(made_at=f"2013-0{month}-01T00:00:00Z", job=f"of-{month}") for month in (1, 2))
    other = entry(parts=parts(stage="score"), job="other")
    found = nearest(parts(code="d" * 64), [far, old, new, other])
    assert found is not None
    assert found.job == "of-2"
    assert nearest(parts(), [other]) is None


class TestStored:
    """Entries in the table, on moto."""

    @pytest.fixture(autouse=True)
    def _aws(self, _variables: None) -> Any:
        with mock_aws():
            clients._client.cache_clear()
            create_world()
            yield
        clients._client.cache_clear()

    def test_an_entry_comes_back_as_it_was_to_the_last_digit(self) -> None:
        table, kept = Table(SETTINGS.table), entry()
        step_cache.store(table, "shop", kept)
        found = step_cache.find(table, "shop", "train", kept.key)
        assert found == kept
        assert found is not None
        assert key_of(found.parts) == kept.key
        assert step_cache.find(table, "shop", "train", "another") is None
        assert step_cache.find(table, "other", "train", kept.key) is None

    def test_facts_alone_are_worth_keeping(self) -> None:
        table, kept = Table(SETTINGS.table), entry(parts=parts(stage="evaluate"))
        step_cache.store(table, "shop", kept)
        found = step_cache.find(table, "shop", "evaluate", kept.key)
        assert found is not None
        assert (found.outputs, found.facts) == ((), {"auc": 0.7})
        assert step_cache.objection(Bucket(SETTINGS.model_bucket), found) is None

    def test_an_entry_whose_parts_were_edited_is_none(self) -> None:
        table, kept = Table(SETTINGS.table), entry()
        step_cache.store(table, "shop", kept)
        table.update("CACHE#shop", f"train#{kept.key}", {"parts": '{"stage":"train"}'})
        assert step_cache.find(table, "shop", "train", kept.key) is None

    def test_an_output_that_is_gone_or_replaced_is_an_objection(self) -> None:
        bucket = Bucket(SETTINGS.model_bucket)
        bucket.put("runs/shop/a/output.tar.gz", b"one")
        stamp = bucket.stamp("runs/shop/a/output.tar.gz")
        output = Output(
            key="runs/shop/a/output.tar.gz", etag=stamp.etag, version_id=stamp.version_id, sha256="0"
        )
        kept = entry(outputs=(output,))
        assert step_cache.objection(bucket, kept) is None
        bucket.put(output.key, b"two")
        assert "has been replaced" in str(step_cache.objection(bucket, kept))
        clients.client("s3").delete_object(Bucket=bucket.name, Key=output.key)
        assert "is gone" in str(step_cache.objection(bucket, kept))
