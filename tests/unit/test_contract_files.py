"""What is wrong with an uploaded file as such, and what is said of it."""

import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.unit import shop
from tests.unit.examining import Examined
from tests.unit.examining import examine as examined_in
from trimtab.contract.contract import Contract, load_contract
from trimtab.project import Project, load_project

FOLDER = [Path()]
ROWS = [shop.row(number) for number in range(20)]


@pytest.fixture(scope="module")
def rules(tmp_path_factory: pytest.TempPathFactory) -> tuple[Project, Contract]:
    """Load the shop's settings and contract."""
    FOLDER[0] = tmp_path_factory.mktemp("examined")
    folder = shop.make_folder(tmp_path_factory.mktemp("shop"))
    project = load_project(folder)
    return project, load_contract(folder, project)


def examine(data: bytes, rules: tuple[Project, Contract], **settings: Any) -> Examined:
    """Examine a file of the shop."""
    project, contract = rules
    return examined_in(data, contract, project, Path(tempfile.mkdtemp(dir=FOLDER[0])), **settings)


def renamed(name: str, other: str) -> bytes:
    """Return a good file with another name for one column."""
    return shop.upload(ROWS, shop.HEADER.replace(name, other))


REFUSED = [
    pytest.param(b"", "EMPTY_FILE", "the file is empty; upload it again", id="F06_zero_bytes"),
    pytest.param(b" \r\n\n", "EMPTY_FILE", "the file is empty", id="F06_blank"),
    pytest.param(shop.upload([]), "NO_ROWS", "has a header but no rows", id="F07_header_only"),
    pytest.param(shop.HEADER.encode(), "NO_ROWS", "no rows", id="F07_header_without_line_end"),
    pytest.param(shop.upload(["", ""]), "NO_ROWS", "no rows", id="F07_blank_rows"),
    pytest.param(
        shop.good().replace(b",", b";"),
        "SCHEMA_MISMATCH",
        "seems to be delimited by semicolon, but this project's files are delimited by comma",
        id="F08_semicolons",
    ),
    pytest.param(shop.good().replace(b",", b"\t"), "SCHEMA_MISMATCH", "delimited by tab", id="F08_tabs"),
    pytest.param(
        shop.upload([*ROWS, "p20,2013-01-01T05:00:00Z"]),
        "RAGGED_ROWS",
        "1 of 21 rows have another number of cells than the header's 7, the first one row 22 with 2",
        id="F09_ragged",
    ),
    pytest.param(
        shop.good().decode().encode("cp1250"), "ENCODING", "byte 73 is 0xee, in row 2", id="F10_cp1250"
    ),
    pytest.param(shop.good().decode().encode("utf-16"), "ENCODING", "is UTF-16 (byte 0)", id="F10_utf16"),
    pytest.param(
        shop.good().decode().encode("utf-16-le"), "ENCODING", "byte 1 is zero", id="F10_utf16_without_mark"
    ),
    pytest.param(shop.good() + b"\xff", "ENCODING", "is 0xff, in row 22", id="F10_random_byte"),
    pytest.param(b"\x1f\x8b\x08\x00", "FORMAT", "the gzip archive is damaged or cut off", id="gzip_cut_off"),
    pytest.param(b"PAR1\x15\x04", "FORMAT", "is a Parquet file", id="parquet"),
    pytest.param(shop.good(5000), "TOO_LARGE", "more than 100,000 bytes; split it", id="too_large"),
    pytest.param(
        shop.upload([line.rpartition(",")[0].rpartition(",")[0] for line in ROWS], shop.HEADER[:-11]),
        "SCHEMA_MISMATCH",
        "lacks column 'email'; it has",
        id="F14_dropped",
    ),
    pytest.param(
        renamed("weight", "Weight_"),
        "SCHEMA_MISMATCH",
        "did you mean 'Weight_' for 'weight'?",
        id="F14_renamed",
    ),
    pytest.param(
        renamed("weight", "amount"),
        "SCHEMA_MISMATCH",
        "names column 'amount' 2 times; give each column a name of its own",
        id="F14_duplicated",
    ),
    pytest.param(
        shop.upload(shop.row(number, weight="12;5") for number in range(20)),
        "TYPE_MISMATCH",
        "column 'weight' holds something else than its type in the contract: 20 of 20 rows do not fit, such "
        "as row 2 with '12;5'; numbers take a decimal point",
        id="F15_decimal_mark",
    ),
    pytest.param(
        shop.upload(shop.row(number, amount="two") for number in range(20)),
        "TYPE_MISMATCH",
        "column 'amount'",
        id="F15_text_in_integer",
    ),
    pytest.param(
        shop.upload(shop.row(number, at="01.02.2013 05:00") for number in range(20)),
        "TYPE_MISMATCH",
        "row 2 with '01.02.2013 05:00'",
        id="F15_localised_dates",
    ),
    pytest.param(
        shop.upload(shop.row(number, late="yes") for number in range(20)),
        "TYPE_MISMATCH",
        "column 'late'",
        id="F15_label_is_not_coerced",
    ),
    pytest.param(
        shop.upload(shop.row(number, at="2013-01-31T05:00:00") for number in range(20)),
        "NAIVE_TIMESTAMP",
        "column 'at' holds timestamps without a zone: 20 of 20 rows do not fit",
        id="F24_naive_timestamps",
    ),
    pytest.param(
        shop.upload(shop.row(number, place="Paris") for number in range(20)),
        "TOO_MANY_BAD_ROWS",
        "20 of 20 rows break the contract, at most 25.0% may; most often column 'place' fails isin",
        id="too_many_bad_rows",
    ),
    pytest.param(
        shop.upload(shop.row(number, email="nobody") for number in range(20)),
        "TOO_MANY_BAD_ROWS",
        "row 2 with (masked)",
        id="sensitive_values_are_masked",
    ),
    pytest.param(b'"' + b"x" * 5000, "SCHEMA_MISMATCH", "lacks columns 'prediction_id'", id="no_csv_at_all"),
]


@pytest.mark.parametrize(("data", "code", "words"), REFUSED)
def test_a_bad_file_is_refused_with_what_where_and_remedy(
    data: bytes, code: str, words: str, rules: tuple[Project, Contract]
) -> None:
    examined = examine(data, rules)
    assert examined.refusal is not None
    assert (examined.refusal.code, examined.verdict, examined.table) == (code, "refused", None)
    assert words in examined.refusal.reason
    assert "nobody" not in examined.refusal.reason


ACCEPTED = [
    pytest.param(shop.good(), (), id="plain"),
    pytest.param(b"\xef\xbb\xbf" + shop.good(), (), id="F09_byte_order_mark"),
    pytest.param(shop.good().replace(b"\n", b"\r\n"), (), id="F09_windows_line_ends"),
    pytest.param(shop.good().removesuffix(b"\n"), (), id="F09_no_last_line_end"),
    pytest.param(shop.good() + b"\n\n", (), id="blank_rows_at_the_end"),
    pytest.param(
        shop.upload(
            [",".join(reversed(line.split(","))) for line in ROWS], ",".join(reversed(shop.HEADER.split(",")))
        ),
        (),
        id="F14_reordered",
    ),
    pytest.param(
        shop.upload([f"{line},x" for line in ROWS], shop.HEADER + ",colour"),
        ("columns 'colour' are not in the contract and were ignored",),
        id="F14_added",
    ),
    pytest.param(
        shop.upload([",".join(f'"{cell}"' for cell in line.split(",")) for line in ROWS]), (), id="quoted"
    ),
    pytest.param(
        shop.upload(
            shop.row(number, at=f"2013-01-{number % 28 + 1:02d} 06:00:00+01:00") for number in range(20)
        ),
        (),
        id="F24_other_zone",
    ),
    pytest.param(
        shop.upload(shop.row(number, amount="2.0", late=f"{number % 2}.0") for number in range(20)),
        (),
        id="integers_written_as_1.0",
    ),
]


@pytest.mark.parametrize(("data", "warnings"), ACCEPTED)
def test_every_way_to_write_the_same_rows_gives_the_same_table(
    data: bytes, warnings: tuple[str, ...], rules: tuple[Project, Contract]
) -> None:
    examined = examine(data, rules)
    plain = examine(shop.good(), rules)
    assert examined.refusal is None
    assert examined.verdict == "accepted"
    assert examined.warnings == warnings
    assert examined.table is not None
    assert plain.table is not None
    assert examined.table.to_pylist() == plain.table.to_pylist()
    assert examined.table.schema == plain.table.schema


def test_F09_a_line_break_in_a_quoted_cell_is_no_row_of_its_own(rules: tuple[Project, Contract]) -> None:
    broken = shop.row(3, email='"a\nb@example.org"')
    examined = examine(shop.upload([*ROWS[:3], broken, shop.row(4, amount="0"), *ROWS[5:]]), rules)
    assert examined.rows == 20
    assert [entry["row"] for entry in examined.set_aside] == [6]


def test_a_file_without_labels_has_null_labels_of_the_same_type(rules: tuple[Project, Contract]) -> None:
    unlabelled = shop.upload([line.rpartition(",")[0] for line in ROWS], shop.HEADER.rpartition(",")[0])
    examined, plain = examine(unlabelled, rules), examine(shop.good(), rules)
    assert examined.table is not None
    assert plain.table is not None
    assert examined.table.schema == plain.table.schema
    assert examined.table["late"].null_count == 20


CONTRACTS = [
    pytest.param("x = 1", "there is no class Contract(pandera.DataFrameModel); define it", id="no_class"),
    pytest.param("import nowhere", "cannot be imported: ModuleNotFoundError: No module named", id="import"),
    pytest.param("class Contract(", "cannot be imported: SyntaxError", id="syntax"),
    pytest.param(
        shop.CONTRACT.replace("    place:", "    site:"),
        "names column 'place', which class Contract lacks",
        id="lacks",
    ),
    pytest.param(
        shop.CONTRACT + '    @pa.check("wieght")\n    def heavy(cls, s): return s > 0\n',
        "class Contract is not valid: Check heavy is assigned to a non-existing field 'wieght'",
        id="check_of_a_missing_column",
    ),
    pytest.param(
        shop.CONTRACT.replace("weight: Series[float]", "weight: Series[str]"),
        "column 'weight' is a numeric feature in project.toml but text in the contract",
        id="kinds_disagree",
    ),
    pytest.param(
        shop.CONTRACT.replace("weight: Series[float]", "weight: Series[complex]"),
        "has type complex",
        id="type",
    ),
]


@pytest.mark.parametrize(("text", "words"), CONTRACTS)
def test_a_contract_that_cannot_serve_gives_one_clear_sentence(text: str, words: str, tmp_path: Path) -> None:
    from trimtab.errors import BadInput

    folder = shop.make_folder(tmp_path, contract=text)
    with pytest.raises(BadInput) as caught:
        load_contract(folder, load_project(folder))
    assert words in str(caught.value)
    assert "contract.py" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_check_that_uses_a_missing_column_fails_the_run_with_the_checks_name(tmp_path: Path) -> None:
    from trimtab.errors import BadInput

    check = "    @pa.dataframe_check\n    def paid(cls, frame): return frame['price'] > 0\n"
    folder = shop.make_folder(tmp_path, contract=shop.CONTRACT + check)
    project = load_project(folder)
    with pytest.raises(BadInput, match="check paid of Contract cannot be carried out: KeyError"):
        examined_in(shop.good(), load_contract(folder, project), project, tmp_path)


def test_F14_all_problems_of_a_row_are_listed_and_the_row_stays_as_it_stood(
    rules: tuple[Project, Contract],
) -> None:
    bad = shop.row(7, place="Paris", weight="-1")
    nothing = shop.row(8, amount="x", at="2013-13-01T00:00:00Z", email="NA", place="")
    examined = examine(shop.upload([*ROWS[:7], bad, nothing, *ROWS[9:]]), rules)
    assert examined.verdict == "quarantined"
    first, second = examined.set_aside
    assert (first["row"], second["row"]) == (9, 10)
    assert {(reason["column"], reason["check"]) for reason in first["reasons"]} == {
        ("place", "isin(['Rome', 'Nîmes'])"),
        ("weight", "greater_than_or_equal_to(0)"),
    }
    assert {(reason["column"], reason["check"]) for reason in second["reasons"]} == {
        ("amount", "type"),
        ("at", "type"),
        ("place", "not null"),
    }
    assert second["values"]["at"] == "2013-13-01T00:00:00Z"
    assert (examined.rows, examined.accepted, examined.bad) == (20, 18, 2)


def test_rows_that_share_an_id_are_both_quarantined(rules: tuple[Project, Contract]) -> None:
    examined = examine(shop.upload([*ROWS, ROWS[3]]), rules)
    assert [entry["row"] for entry in examined.set_aside] == [5, 22]
    assert examined.findings[0].message == "must be unique"


def test_F09_a_rare_ragged_row_is_quarantined_with_its_text(rules: tuple[Project, Contract]) -> None:
    rows = [shop.row(number, weight="1") for number in range(1100)]
    examined = examine(shop.upload([*rows[:5], "p5,half", *rows[6:]]), rules)
    assert examined.verdict == "quarantined"
    (entry,) = examined.set_aside
    assert (entry["row"], entry["text"]) == (7, "p5,half")
    assert entry["reasons"][0]["message"] == "has 2 cells, the header 7"
    assert (examined.rows, examined.accepted) == (1100, 1099)
