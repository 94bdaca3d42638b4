"""A training job as a whole, in this process, on a project of two columns."""

import json
import shutil
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from assets.archive import tar_gz
from trimtab.canonical import canonical_json, sha256_hex
from trimtab.drift import Baseline
from trimtab.errors import BadInput, Denied
from trimtab.performance import roc_auc
from trimtab.training.archive import MODEL_MEMBERS, read_model
from trimtab.training.isolation import project_module
from trimtab.training.job import Folders
from trimtab.training.rehearsal import make_job
from trimtab.training.run import run, train

FEATURES = """
def matrix(rows):
    return rows[["useful"]].fillna(0).to_numpy() * {factor}
"""
INFERENCE = """
import numpy as np
from features import matrix
from trimtab.training import scoring

def predict(model, rows):
    return 1 / (1 + np.exp(-model * matrix(rows)[:, 0]))

def model_fn(model_dir):
    return scoring.load(model_dir)

def input_fn(body, content_type):
    return scoring.read_request(body, content_type)

def predict_fn(rows, model):
    return scoring.score(rows, model, predict)

def output_fn(scored, accept):
    return scoring.write_answer(scored, accept)
"""
SETTINGS = {
    "name": "small",
    "data": {"timestamp": "at", "label": "yes", "prediction_id": "id"},
    "features": {"numeric": ["useful", "noise"], "categorical": ["colour"]},
    "train": {"seed": 0, "threads": 1, "parameters": {}, "holdout_share": 0.2},
    "gate": {"confidence": 0.8, "resamples": 100, "importance_folds": 5},
}


def rows_of(start="2026-01-01", days=59, a_day=30, seed=0):
    random = np.random.default_rng(seed)
    count = days * a_day
    useful = random.normal(size=count)
    rows = pd.DataFrame(
        {
            "id": [f"{start}-{number}" for number in range(count)],
            "at": pd.Timestamp(start, tz="UTC")
            + pd.to_timedelta(np.arange(count) * 24 * 60 // a_day, unit="min"),
            "useful": useful,
            "noise": random.normal(size=count),
            "colour": random.choice(["red", "blue"], count),
            "yes": (random.random(count) < 1 / (1 + np.exp(-2 * useful))).astype(float),
        }
    )
    rows.loc[::40, "useful"] = np.nan
    return rows


def fit(rows, label, recipe):
    """Learn the one weight that a model of this project has."""
    useful = rows["useful"].fillna(0).to_numpy()
    return float(useful[label == 1].mean() - useful[label == 0].mean())


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


class Project:
    """A project's code and the folders of its training jobs."""

    def __init__(self, root):
        self.root = root
        self.code = root / "code"
        self.code.mkdir()
        self.write_code()

    def write_code(self, factor=1.0, inference=INFERENCE):
        (self.code / "features.py").write_text(FEATURES.format(factor=factor))
        (self.code / "inference.py").write_text(inference)

    def prepare(self, name="job", rows=None, champion=None, **changes):
        """Lay out a job's folders; `champion` is the name of an earlier job."""
        base = self.root / name
        folders = Folders(
            config=base / "config",
            training=base / "training",
            champion=base / "champion" if champion else None,
            model=base / "model",
            output=base / "output",
        )
        folders.config.mkdir(parents=True)
        folders.training.mkdir()
        known = None
        if champion:
            folders.champion.mkdir()
            (folders.champion / "model.tar.gz").write_bytes(self.archive(champion))
            known = {"version": 3, "model_sha256": self.manifest(champion)["model_sha256"]}
        job = make_job(SETTINGS, rows_of() if rows is None else rows, folders.training, known) | changes
        (folders.config / "job.json").write_bytes(canonical_json(job))
        return folders

    def run(self, name="job", **how):
        folders = self.prepare(name, **how)
        with project_module(self.code, "inference") as inference:
            return run(folders, self.code, fit=fit, predict=inference.predict)

    def archive(self, name):
        model = self.root / name / "model"
        files = (path for path in model.rglob("*") if path.is_file())
        return tar_gz({path.relative_to(model).as_posix(): path.read_bytes() for path in files})

    def manifest(self, name):
        return json.loads((self.root / name / "model" / "manifest.json").read_bytes())


def test_a_job_leaves_a_model_that_names_its_content(project):
    project.run()
    members, manifest = read_model(project.archive("job"))
    assert members.keys() == {"model.joblib", "manifest.json", "code/features.py", "code/inference.py"}
    assert manifest["fit"] == {"from": "2026-01-01T00:00:00Z", "until": "2026-02-23T00:00:00Z"}
    assert manifest["environment"]["scikit-learn"] == "1.9.0"
    job = json.loads((project.root / "job/config/job.json").read_bytes())
    assert manifest["training_set"] == job["training_set"]["id"]


def test_a_job_leaves_the_evaluation_of_held_out_days(project):
    evaluation = project.run()
    stored = json.loads((project.root / "job/output/evaluation.json").read_bytes())
    assert stored == evaluation
    assert evaluation["holdout"]["blocks"] == 6
    assert evaluation["rows"] == {
        "fit": 53 * 30,
        "holdout": 6 * 30,
        "unlabelled": 0,
        "repeated": 0,
        "outside": 0,
    }
    assert evaluation["champion"] is None
    assert evaluation["over_champion"] is None
    assert evaluation["baseline_classifier"]["auc"] == 0.5
    assert evaluation["over_baseline"]["low"] > 0.2
    assert evaluation["over_baseline"]["share_positive"] == 1.0
    held = rows_of().iloc[53 * 30 :]
    # The score rises with the one useful column, so its AUC is that of the column.
    assert evaluation["challenger"]["auc"] == roc_auc(held["yes"], held["useful"].fillna(0))


def test_the_importances_name_the_useful_column(project):
    weights = project.run()["importances"]
    assert sum(weights.values()) == pytest.approx(1)
    assert weights["useful"] > 0.99


def test_the_baseline_has_whole_weeks_and_weighs_the_score(project):
    project.run()
    baseline = Baseline.from_bytes((project.root / "job/output/baseline.bin").read_bytes())
    assert baseline.profile.rows == 59 * 30
    assert [week.rows for week in baseline.slices] == [7 * 30] * 8
    assert baseline.shares["score"] == baseline.shares["useful"]
    labels = json.loads((project.root / "job/output/evaluation.json").read_bytes())["labels"]
    assert (labels["rows"], labels["positive"]) == (59 * 30, int(rows_of()["yes"].sum()))
    assert [rows for rows, _ in labels["slices"]] == [7 * 30] * 8
    assert sum(positive for _, positive in labels["slices"]) == int(rows_of()["yes"][3 * 30 :].sum())
    assert labels["seasons"] == []
    assert baseline.profile.columns["useful"].nulls == rows_of()["useful"].isna().sum()
    assert baseline.profile.columns["score"].rows == 59 * 30


def test_the_baseline_has_days_where_seasons_tell_them_apart(project):
    project.run(season="weekend")
    baseline = Baseline.from_bytes((project.root / "job/output/baseline.bin").read_bytes())
    assert [day.rows for day in baseline.slices] == [30] * 59
    # The first of January 2026 was a Thursday.
    assert baseline.seasons[:5] == ("working days",) * 2 + ("weekend",) * 2 + ("working days",)
    assert baseline.of_season("weekend").profile.rows == baseline.seasons.count("weekend") * 30
    project.run("weeks", season="month")
    baseline = Baseline.from_bytes((project.root / "weeks/output/baseline.bin").read_bytes())
    assert baseline.seasons == ("January",) * 4 + ("February",) * 4


def test_two_runs_leave_the_same_bytes(project):
    def content(name):
        return {path.name: path.read_bytes() for path in (project.root / name).rglob("*") if path.is_file()}

    project.run("one")
    project.run("two")
    one, two = content("one"), content("two")
    for each in (one, two):
        evaluation = json.loads(each.pop("evaluation.json"))
        del evaluation["seconds"]
        each["evaluation"] = evaluation
    assert one == two


def test_the_champion_is_scored_by_its_own_code_on_later_days(project):
    # The champion's features turn its ranking upside down; the challenger's code would not.
    project.write_code(factor=-1.0)
    champion_rows = rows_of(days=40)
    project.run("first", rows=champion_rows)
    project.write_code(factor=1.0)
    evaluation = project.run("second", champion="first")
    assert evaluation["champion"]["version"] == 3
    assert evaluation["champion"]["auc"] == pytest.approx(1 - evaluation["challenger"]["auc"])
    assert evaluation["over_champion"]["mean"] > 0.3
    assert evaluation["over_champion"]["blocks"] == 6


def test_a_champion_fitted_on_held_out_days_is_not_compared(project):
    project.run("first")
    evaluation = project.run("second", rows=rows_of(days=40), champion="first")
    assert evaluation["champion"]["auc"] is None
    assert "fitted on days that are held out" in evaluation["champion"]["reason"]
    assert evaluation["over_champion"] is None


def test_a_champion_that_cannot_score_becomes_a_reason(project):
    project.run("first", rows=rows_of(days=40))
    manifest = project.manifest("first")
    path = project.root / "first/model/code/features.py"
    path.write_text("def matrix(rows):\n    return rows['gone']\n")
    manifest["files"]["code/features.py"] = sha256_hex(path.read_bytes())
    manifest["model_sha256"] = sha256_hex(canonical_json(manifest["files"]))
    (project.root / "first/model/manifest.json").write_bytes(canonical_json(manifest))
    evaluation = project.run("second", champion="first")
    assert evaluation["champion"]["reason"] == "version 3 could not score the held-out rows: KeyError: 'gone'"
    assert evaluation["over_champion"] is None
    assert evaluation["challenger"]["auc"] > 0.8


def test_a_replaced_champion_is_refused_before_its_code_runs(project):
    project.run("first", rows=rows_of(days=40))
    marker = project.root / "executed"
    path = project.root / "first/model/code/inference.py"
    path.write_text(f"open({str(marker)!r}, 'w').close()\n" + path.read_text())
    with pytest.raises(Denied, match="not what its manifest lists"):
        project.run("second", champion="first")
    assert not marker.exists()


def test_a_champion_without_an_archive_is_refused(project):
    project.run("first", rows=rows_of(days=40))
    folders = project.prepare("second", champion="first")
    (folders.champion / "model.tar.gz").unlink()
    with (
        project_module(project.code, "inference") as inference,
        pytest.raises(BadInput, match=r"has no model"),
    ):
        run(folders, project.code, fit=fit, predict=inference.predict)


def test_the_models_of_other_code_are_left_as_they_were(project):
    with project_module(project.code, "features") as features:
        inner = features
    with project_module(project.code, "features") as again:
        assert again is not inner
    assert not list(project.code.rglob("__pycache__"))


@pytest.mark.parametrize("fault", ["changed", "absent", "rows"])
def test_a_training_file_that_is_not_the_listed_one_is_refused(project, fault):
    folders = project.prepare()
    (path,) = folders.training.iterdir()
    if fault == "changed":
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    elif fault == "absent":
        path.unlink()
    else:
        job = json.loads((folders.config / "job.json").read_bytes())
        job["training_set"]["datasets"][0]["files"][0]["rows"] += 1
        (folders.config / "job.json").write_bytes(canonical_json(job))
    with pytest.raises(Denied, match=path.name):
        run(folders, project.code, fit=fit, predict=None)


def test_serving_that_disagrees_with_training_is_refused(project):
    folders = project.prepare()
    with pytest.raises(BadInput, match=r"'2026-01-01-1590' is scored .* by inference.py but 0.5"):
        run(folders, project.code, fit=fit, predict=lambda model, rows: np.full(len(rows), 0.5))


@pytest.mark.parametrize(
    ("scores", "remedy"),
    [
        (lambda rows: np.full(len(rows), 1.5), r"outside \[0, 1\]"),
        (lambda rows: np.full(len(rows), np.nan), r"outside \[0, 1\]"),
        (lambda rows: np.zeros((len(rows), 2)), "one score a row"),
    ],
)
def test_scores_that_are_no_probabilities_are_refused(project, scores, remedy):
    with pytest.raises(BadInput, match=remedy):
        run(project.prepare(), project.code, fit=fit, predict=lambda model, rows: scores(rows))


def test_rows_without_a_label_and_repeated_rows_are_left_out_and_counted(project):
    rows = rows_of()
    rows.loc[:9, "yes"] = np.nan
    rows = pd.concat([rows, rows.iloc[100:105]], ignore_index=True)
    left_out = project.run(rows=rows)["rows"]
    assert (left_out["unlabelled"], left_out["repeated"]) == (10, 5)
    assert left_out["fit"] == 53 * 30 - 10


def test_held_out_days_of_one_label_leave_the_measures_unknown(project):
    rows = rows_of()
    rows.loc[rows["at"] >= datetime(2026, 2, 23, tzinfo=UTC), "yes"] = 0.0
    evaluation = project.run(rows=rows)
    assert evaluation["challenger"]["auc"] is None
    assert evaluation["over_baseline"] is None


def test_fitting_without_both_labels_is_refused(project):
    rows = rows_of()
    rows["yes"] = 1.0
    with pytest.raises(BadInput, match="upload labelled data of more days"):
        project.run(rows=rows)


def test_a_label_that_is_neither_0_nor_1_is_refused(project):
    rows = rows_of()
    rows.loc[5, "yes"] = 2.0
    with pytest.raises(BadInput, match="other than 0 and 1"):
        project.run(rows=rows)


def test_too_few_days_for_the_folds_are_refused(project):
    with pytest.raises(BadInput, match="too few for 5 folds"):
        project.run(rows=rows_of(days=5))


@pytest.mark.parametrize(
    ("changes", "remedy"),
    [
        ({"schema": 2}, "schema 2"),
        ({"columns": {}}, "incomplete"),
        ({"grid": {"schema": 9}}, "schema 9"),
    ],
)
def test_a_job_that_cannot_be_read_names_the_remedy(project, changes, remedy):
    with pytest.raises(BadInput, match=remedy):
        project.run(**changes)


def test_a_holdout_that_overlaps_the_fit_is_refused(project):
    folders = project.prepare()
    job = json.loads((folders.config / "job.json").read_bytes())
    job["training_set"]["holdout"]["from"] = "2026-02-01T00:00:00Z"
    (folders.config / "job.json").write_bytes(canonical_json(job))
    with pytest.raises(BadInput, match="before the fit's end"):
        run(folders, project.code, fit=fit, predict=None)


def test_a_failure_is_left_where_the_platform_looks_for_its_reason(project, monkeypatch):
    folders = project.prepare()
    shutil.rmtree(folders.training)
    monkeypatch.setenv("SM_CHANNEL_CONFIG", str(folders.config))
    monkeypatch.setenv("SM_CHANNEL_TRAINING", str(folders.training))
    monkeypatch.setenv("SM_MODEL_DIR", str(folders.model))
    monkeypatch.setenv("SM_OUTPUT_DATA_DIR", str(folders.output))
    monkeypatch.setenv("SM_OUTPUT_DIR", str(project.root))
    with pytest.raises(Denied):
        train(fit=fit, predict=None)
    assert (project.root / "failure").read_text().startswith("Denied: the training channel lacks")


def test_train_outside_a_job_says_how_to_start_one(monkeypatch):
    for name in ("SM_CHANNEL_CONFIG", "SM_OUTPUT_DIR"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(
        BadInput, match=r"SM_CHANNEL_CONFIG is not set; start train.py through a training job"
    ):
        train(fit=fit, predict=None)


def test_model_members_cover_what_a_job_writes():
    assert MODEL_MEMBERS == ("model.joblib", "manifest.json", "code/*.py")
