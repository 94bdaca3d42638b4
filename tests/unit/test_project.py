"""What is wrong with a project's or an environment's settings is said in one sentence."""

from pathlib import Path

import pytest

from trimtab.errors import BadInput
from trimtab.project import load_environment, load_project, project_names

MINIMAL = """
name = "{name}"
[data]
timestamp = "at"
label = "late"
[features]
numeric = ["distance"]
"""


def write(root: Path, text: str, name: str = "flights") -> Path:
    folder = root / "pipelines" / name
    folder.mkdir(parents=True)
    (folder / "project.toml").write_text(text)
    return folder


def test_a_minimal_project_has_defaults(tmp_path: Path) -> None:
    project = load_project(write(tmp_path, MINIMAL.format(name="flights")))
    assert project.monitor.window == "month"
    assert project.data.prediction_id == "prediction_id"
    assert project_names(tmp_path) == ["flights"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("numeric", "numerical"), "unknown key 'features.numerical'"),
        (('label = "late"\n', ""), "key 'data.label' is missing"),
        (('["distance"]', '["distance", "distance"]'), "column 'distance' is listed twice"),
        (('["distance"]', "[]"), "name at least one column"),
        (('["distance"]', '["late"]'), "cannot be a feature"),
        (("[data]", "[data"), "not valid TOML"),
        (("[features]", "[monitor]\npersistence = [3, 2]\n[features]"), "persistence is [M, N]"),
        (("[features]", '[monitor]\nengine = "athena"\n[features]'), "[monitor.table] belong together"),
        (
            ("[features]", '[monitor.table]\nname = "a"\nlocation = "s3://b/*"\n[features]'),
            "monitor.table.name",
        ),
        (("[features]", "[monitor.columns.height]\n[features]"), "monitor.columns names 'height'"),
        (("[features]", "[monitor.columns.score]\nwieght = 1\n[features]"), "'monitor.columns.score.wieght'"),
        (("[features]", "[monitor.columns.score]\ntolerance = 2\n[features]"), "less than 1"),
        (
            (
                "[features]",
                "[monitor.columns]\nscore = {ignore = true}\ndistance = {ignore = true}\n[features]",
            ),
            "leave at least one to watch",
        ),
        (("[features]", '[monitor]\nseason = "weekend"\n[features]'), 'use season = "month"'),
        (
            ("[features]", '[monitor]\nwindow = "day"\nseason = "month"\n[features]'),
            'use season = "weekend" or "weekday"',
        ),
        (("[features]", '[monitor]\nseason = "summer"\n[features]'), "'weekend', 'weekday' or 'month'"),
    ],
)
def test_a_mistake_is_named_with_its_remedy(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    folder = write(tmp_path, MINIMAL.format(name="flights").replace(*change))
    with pytest.raises(BadInput) as caught:
        load_project(folder)
    assert said in str(caught.value)
    assert "project.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_settings_of_columns_and_seasons_that_the_page_shows_are_read(tmp_path: Path, root: Path) -> None:
    text = (root / "docs/monitoring.md").read_text()
    shown = text.partition("## Single columns and seasons")[2].split("```toml\n")[1].partition("```")[0]
    minimal = MINIMAL.format(name="flights").replace('"distance"', '"distance", "temp"')
    monitor = load_project(write(tmp_path, minimal + shown)).monitor
    assert (monitor.window, monitor.season) == ("day", "weekday")
    assert (monitor.columns["temp"].tolerance, monitor.columns["temp"].weight) == (0.01, 0.5)
    assert monitor.columns["score"].ignore


@pytest.mark.parametrize("name", ["Flights", "my_project", "x" * 25, "9lives", "a--b"])
def test_a_name_that_sagemaker_would_refuse_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput, match="SageMaker"):
        load_project(write(tmp_path, MINIMAL.format(name=name), name))


def test_a_folder_of_another_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="make them equal"):
        load_project(write(tmp_path, MINIMAL.format(name="trains")))


def test_a_missing_project_lists_those_there_are(tmp_path: Path) -> None:
    write(tmp_path, MINIMAL.format(name="flights"))
    with pytest.raises(BadInput, match="known projects: flights"):
        load_project(tmp_path / "pipelines" / "trains")


def test_every_environment_of_the_checkout_loads(root: Path) -> None:
    for path in (root / "environments").glob("*.toml"):
        assert load_environment(root, path.stem).name == path.stem


def test_a_missing_environment_lists_those_there_are(root: Path) -> None:
    with pytest.raises(BadInput, match="known: dev, prod"):
        load_environment(root, "staging")
