"""`trimtab contract`: a first contract from a file, a check on the laptop, what a change means."""

import gzip
import importlib.util
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from demo import data
from tests.unit import shop
from trimtab.cli.commands import app

ROWS = [shop.row(number) for number in range(40)]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout with the shop's project, and work in it."""
    shop.make_folder(tmp_path)
    (tmp_path / "cdk.json").write_text("{}")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command line."""
    return CliRunner().invoke(app, ["contract", *arguments])


def told(result: Result) -> dict[str, Any]:
    """Read what a command printed as JSON."""
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    found: dict[str, Any] = json.loads(result.stdout)
    return found


CHECKED = [
    pytest.param(shop.upload(ROWS), "accepted", 40, 0, [], 0, id="accepted"),
    pytest.param(
        shop.upload([*ROWS[:39], shop.row(39, place="Paris")]),
        "quarantined", 39, 1, [("isin(['Rome', 'Nîmes'])", "place", 1)], 1, id="quarantined",
    ),
    pytest.param(
        shop.upload([*ROWS, ROWS[0]]),
        "quarantined", 39, 2, [("field_uniqueness", "prediction_id", 2)], 1, id="unique",
    ),
    pytest.param(
        shop.good().replace(b",", b";"),
        "refused", 0, 0, [("SCHEMA_MISMATCH", "(file)", 1)], 1, id="header",
    ),
    pytest.param(
        shop.upload(shop.row(number, weight="x") for number in range(40)),
        "refused", 0, 40, [("type", "weight", 40)], 1, id="type",
    ),
    pytest.param(gzip.compress(shop.upload(ROWS)), "accepted", 40, 0, [], 0, id="gzip"),
]  # fmt: skip


@pytest.mark.parametrize(("body", "verdict", "accepted", "quarantined", "violations", "code"), CHECKED)
def test_a_check_says_what_an_upload_would(
    body: bytes,
    verdict: str,
    accepted: int,
    quarantined: int,
    violations: list[Any],
    code: int,
    checkout: Path,
) -> None:
    (checkout / "rows.csv").write_bytes(body)
    result = run("check", "rows.csv", "--project", "shop", "--json")
    found = told(result)
    assert result.exit_code == code
    assert (found["verdict"], found["accepted"], found["quarantined"]) == (verdict, accepted, quarantined)
    assert [(one["check"], one["column"], one["count"]) for one in found["violations"]] == violations
    assert all(one["remedy"] for one in found["violations"])


def test_a_check_masks_sensitive_values_and_prints_a_table(checkout: Path) -> None:
    (checkout / "rows.csv").write_bytes(shop.upload([*ROWS, shop.row(40, email="nobody")]))
    for extra in ([], ["--json"]):
        result = run("check", "rows.csv", "--project", "shop", *extra)
        assert "nobody" not in result.stdout
        assert "(masked)" in result.stdout


def inferred(path: Path, checkout: Path, *options: str) -> dict[str, Any]:
    """Infer a contract into the shop's folder, in place of the one there, and adopt what is suggested."""
    contract = checkout / "pipelines" / "shop" / "contract.py"
    contract.unlink()
    found = told(run("infer", str(path), "--to", str(contract), "--json", *options))
    assert all(found["data"][name] for name in ("timestamp", "label", "prediction_id"))
    form = "jsonl" if "jsonl" in options else "csv"
    text = f'name = "shop"\n{found["toml"]}'.replace("[data]", f'[data]\nformat = "{form}"')
    (checkout / "pipelines" / "shop" / "project.toml").write_text(text, encoding="utf-8")
    return found


def test_a_file_passes_the_contract_inferred_from_it(checkout: Path) -> None:
    path = checkout / "flights.csv"
    path.write_bytes(data.upload_csv(1))
    found = inferred(path, checkout)
    assert found["data"] == {
        "timestamp": "scheduled_departure", "label": "late", "prediction_id": "prediction_id",
        "delimiter": ",",
    }  # fmt: skip
    assert found["features"]["categorical"] == ["carrier", "origin", "dest"]
    assert {"distance", "temp", "visib"} <= set(found["features"]["numeric"])
    checked = told(run("check", str(path), "--project", "shop", "--json"))
    assert (checked["verdict"], checked["rows"], checked["violations"]) == ("accepted", 26268, [])
    (checkout / "other.csv").write_bytes(data.upload_csv(1).replace(b",EWR,", b",LHR,", 1))
    (violation,) = told(run("check", "other.csv", "--project", "shop", "--json"))["violations"]
    assert (violation["column"], violation["count"]) == ("origin", 1)


def test_awkward_columns_and_json_lines_pass_their_contract_too(checkout: Path) -> None:
    records = [
        {"id": f"r{n}", "at": f"2013-01-01T00:{n:02d}:00Z", "class": n % 2 == 0, "zip code": f"{n % 3:05d}",
         "n": None if n == 3 else n, "x": n / 7, "flag": [None, True][n % 2], "label": n % 2}
        for n in range(60)
    ]  # fmt: skip
    path = checkout / "rows.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    inferred(path, checkout, "--format", "jsonl")
    checked = told(run("check", str(path), "--project", "shop", "--json"))
    assert (checked["verdict"], checked["rows"], checked["violations"]) == ("accepted", 60, [])


def test_an_edited_contract_is_not_overwritten(checkout: Path) -> None:
    (checkout / "rows.csv").write_bytes(shop.upload(ROWS))
    result = run("infer", "rows.csv", "--to", "pipelines/shop/contract.py")
    assert result.exit_code != 0
    assert "is not overwritten" in str(result.exception)
    assert run("infer", "rows.csv").stdout.startswith('"""What a row must look like')


WEIGHT = "    weight: Series[float] = pa.Field(ge=0, le=100, nullable=True)"
CHANGES = [
    pytest.param("", "", True, [], id="nothing"),
    pytest.param("ge=0, le=100", "ge=-5, le=100", True, ["weight"], id="wider"),
    pytest.param("ge=0, le=100", "ge=0, le=50", False, ["weight"], id="narrower"),
    pytest.param(f"{WEIGHT}\n", "", False, ["weight"], id="removed"),
    pytest.param("    amount:", "    new: Series[str]\n    amount:", False, ["new"], id="added_required"),
    pytest.param("    amount:", "    new: Series[str] | None\n    amount:", True, ["new"], id="optional"),
    pytest.param('["Rome", "Nîmes"]', '["Rome", "Nîmes", "Bath"]', True, ["place"], id="more_values"),
    pytest.param('["Rome", "Nîmes"]', '["Rome"]', False, ["place"], id="fewer_values"),
    pytest.param("[int] = pa.Field(ge=1)", "[float] = pa.Field(ge=1)", True, ["amount"], id="wider_type"),
    pytest.param("[int] = pa.Field(ge=1)", "[str] = pa.Field()", False, ["amount", "amount"], id="type"),
    pytest.param("pa.Field(unique=True)", "pa.Field()", True, ["prediction_id"], id="no_longer_unique"),
    pytest.param("pa.Field(ge=1)", "pa.Field(ge=1, unique=True)", False, ["amount"], id="unique"),
    pytest.param('str_contains="@", nullable=True', 'str_contains="@"', False, ["email"], id="not_nullable"),
    pytest.param('str_contains="@"', 'str_contains="at"', False, ["email"], id="other_pattern"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "after", "compatible", "columns"), CHANGES)
def test_a_change_is_compatible_when_every_row_that_kept_the_old_contract_keeps_the_new(
    before: str, after: str, compatible: bool, columns: list[str], checkout: Path
) -> None:
    old = checkout / "pipelines" / "shop"
    assert before in shop.CONTRACT
    (checkout / "new.py").write_text(shop.CONTRACT.replace(before, after, 1), encoding="utf-8")
    result = run("diff", str(old), "new.py", "--json")
    found = told(result)
    assert (found["compatible"], result.exit_code) == (compatible, 0 if compatible else 1)
    assert [change["column"] for change in found["changes"]] == columns
    assert all(change["why"] for change in found["changes"])


def test_a_missing_file_is_misuse(checkout: Path) -> None:
    from trimtab.errors import BadInput

    result = run("check", "nowhere.csv", "--project", "shop")
    assert isinstance(result.exception, BadInput)
    assert importlib.util.find_spec("trimtab.cli.contract")


def test_times_without_a_zone_are_inferred_and_their_zone_is_asked_for(checkout: Path) -> None:
    path = checkout / "local.csv"
    path.write_bytes(shop.upload(ROWS).replace(b"T05:00:00Z", b" 05:00:00"))
    found = inferred(path, checkout)
    assert (found["data"]["timestamp"], found["data"]["timezone"]) == ("at", None)
    project = checkout / "pipelines" / "shop" / "project.toml"
    checked = told(run("check", str(path), "--project", "shop", "--json"))
    assert (checked["verdict"], checked["code"]) == ("refused", "NAIVE_TIMESTAMP")
    line = next(line for line in found["toml"].splitlines() if "timezone" in line)
    assert line == (
        '# timezone = "..." (there are times without a zone: name that of their clocks, as in '
        '"America/New_York")'
    )
    project.write_text(project.read_text().replace(line, 'timezone = "Europe/Rome"'))
    checked = told(run("check", str(path), "--project", "shop", "--json"))
    assert (checked["verdict"], checked["rows"], checked["violations"]) == ("accepted", 40, [])
