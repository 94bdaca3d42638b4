"""The profile that Athena's SQL computes is the one that numpy computes, byte for byte."""

import re
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
import sqlglot
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from localcloud.athena import connect, in_duckdb, parsed
from trimtab.errors import BadInput
from trimtab.profile import CategoricalColumn, Grid, NumericColumn, Profile, TimestampColumn
from trimtab.profile.grid import Column
from trimtab.profile.sql import SqlTable, profile_of_answer, profile_sql, quoted
from trimtab.profile.sql_moments import moments_of_answer, moments_sql

NAME = 'a "table" -- of; rows'
FEW = settings(max_examples=60, deadline=None)


def pushed_down(grid: Grid, data: pa.Table, types: dict[str, str], where: str = "") -> Profile:
    """Profile a table by the statements, the first one's answer in several parts."""
    table = SqlTable("main", NAME, {name.lower(): kind for name, kind in types.items()})
    sql = profile_sql(grid, table, where)
    with connect() as database:
        database.register("rows given", data)
        database.execute(f"CREATE TABLE {quoted(NAME)} AS FROM {quoted('rows given')}")
        answer = database.sql(in_duckdb(parsed(sql))).to_arrow_table()
        sums = database.sql(in_duckdb(parsed(moments_sql(grid, table, where)))).to_arrow_table()
    profile = profile_of_answer(grid, table, [answer.slice(at, 7) for at in range(0, len(answer), 7)])
    return replace(profile, moments=moments_of_answer(grid, sums))


def counted(grid: Grid, data: pa.Table) -> Profile:
    """Profile the same rows in memory."""
    return Profile.of(grid, data, second_moments=True)


SIZES = {"tinyint": 8, "smallint": 16, "int": 32, "bigint": 64}
CENTERS = st.sampled_from([0.0, 1.5, -3, 2**53 + 1, 2**62 - 1, 2**62]) | st.floats(
    allow_nan=False, allow_infinity=False
) | st.integers(-(2**63), 2**63 - 1)  # fmt: skip
NASTY = st.sampled_from([0.0, -0.0, 5e-324, -5e-324, 2.0**53, 1.7e308, -1.7e308, 0.1, 1e22, 3.0])
DOUBLES = st.floats() | NASTY
ODD_TEXTS = ["", " ", "NaN", "null", "NULL", "'", "''; --", '"', "\\", "a\nb", "\r", ",", "🦊" * 140]
TEXTS = st.sampled_from(ODD_TEXTS) | st.text(st.characters(codec="utf-8"), max_size=5)
INSTANTS = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999)


def decimals(scale: int) -> st.SearchStrategy[Decimal]:
    return st.integers(-(10**18) + 1, 10**18 - 1).map(lambda digits: Decimal(digits).scaleb(-scale))


# By name: the types in the catalog and in Arrow, the values, and the kinds they may be counted as.
COLUMNS: dict[str, tuple[str, Any, st.SearchStrategy[Any], str]] = {
    "Doubles": ("double", pa.float64(), DOUBLES, "nc"),
    "reals": ("float", pa.float32(), st.floats(width=32), "nc"),
    **{
        kind: (
            kind, getattr(pa, f"int{bits}")(), st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1), "nc"
        )
        for kind, bits in SIZES.items()
    },
    "money": ("decimal(18,2)", pa.decimal128(18, 2), decimals(2), "nc"),
    "tiny": ("decimal(18, 18)", pa.decimal128(18, 18), decimals(18), "nc"),
    "flag": ("boolean", pa.bool_(), st.booleans(), "c"),
    'say "x" -- ; ': ("string", pa.string(), TEXTS, "c"),
    "short": ("varchar(10)", pa.string(), st.sampled_from(["a", "b"]), "c"),
    "at": ("timestamp", pa.timestamp("us"), INSTANTS, "t"),
    "zoned": ("timestamp", pa.timestamp("us", tz="UTC"), INSTANTS, "t"),
    "day": ("date", pa.date32(), st.integers(-700_000, 2_900_000), "t"),
}  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> tuple[Grid, pa.Table]:
    """Draw rows of every type, nulls among them, and a grid that need not fit them."""
    rows = draw(st.integers(0, 12))
    columns: dict[str, Column] = {}
    data: dict[str, Any] = {}
    for name, (_, arrow, values, kinds) in COLUMNS.items():
        data[name] = pa.array(draw(st.lists(st.none() | values, min_size=rows, max_size=rows)), arrow)
        kind = draw(st.sampled_from(kinds))
        if kind == "n":
            columns[name] = NumericColumn(
                name, draw(CENTERS), draw(st.integers(-1000, 1000) | st.integers(-8, 8))
            )
        else:
            columns[name] = (
                CategoricalColumn(name, draw(st.integers(1, 8))) if kind == "c" else TimestampColumn(name)
            )
    return Grid({**columns, "score": NumericColumn("score", 0.0, -10)}), pa.table(data)


NEAR = [float(sign * step) for sign in (-1, 1) for step in (0.5, 1, 2**32 - 1, 2**32 - 1 + 2**10, 2**33)]
EDGES = [edge + step for edge in (-(2**62), -(2**53), 0, 2**53, 2**62) for step in range(-2, 3)]


@pytest.mark.parametrize("center", [0, 0.0, 1, -7, 2**53 + 1, -(2**53) - 1, 2**62 - 1, 2**62, 2.0**60])
def test_edges_of_cells_and_of_whole_numbers_are_equal(center: float) -> None:
    integers = [*EDGES, -(2**63), 2**63 - 1, *(int(center) + step for step in range(-5, 6))]
    floats = [*NEAR, *(float(center) + step for step in NEAR)]
    for exponent in (-1000, -3, 0, 5, 1000):
        grid = Grid({name: NumericColumn(name, center, exponent) for name in ("i", "f")})
        rows = len(integers)
        data = pa.table(
            {"i": pa.array(integers, pa.int64()), "f": pa.array((floats * 2)[:rows], pa.float64())}
        )
        found = pushed_down(grid, data, {"i": "bigint", "f": "double"})
        assert found.payload == counted(grid, data).payload


@FEW
@given(tables())
def test_the_statement_counts_what_numpy_counts_to_the_last_byte(drawn: tuple[Grid, pa.Table]) -> None:
    grid, data = drawn
    types = {name: kind for name, (kind, *_) in COLUMNS.items()}
    assert pushed_down(grid, data, types).payload == counted(grid, data).payload


@FEW
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=12),
        min_size=1,
        max_size=4,
    ),
    st.lists(TEXTS, max_size=8),
)
def test_any_name_of_a_column_is_a_name_and_nothing_else(names: list[str], values: list[str]) -> None:
    assume(len({name.lower() for name in names}) == len({name.casefold() for name in names}) == len(names))
    grid = Grid({name: CategoricalColumn(name) for name in names})
    data = pa.table({name: pa.array(values, pa.string()) for name in names})
    assert pushed_down(grid, data, dict.fromkeys(names, "string")).payload == counted(grid, data).payload


def test_a_table_wider_than_one_array_is_counted_whole() -> None:
    names = [f"column {number:03d}" for number in range(205)]
    grid = Grid({name: TimestampColumn(name) for name in names})
    data = pa.table(
        {name: pa.array([0, None, at * 10**9], pa.timestamp("us")) for at, name in enumerate(names)}
    )
    assert pushed_down(grid, data, dict.fromkeys(names, "timestamp")).payload == counted(grid, data).payload


def test_a_condition_chooses_the_rows_and_a_remark_in_it_ends_with_it() -> None:
    data = pa.table({"x": pa.array([1.0, 2.0, 3.0], pa.float64())})
    grid = Grid({"x": NumericColumn("x", 0.0, 0)})
    found = pushed_down(grid, data, {"x": "double"}, "x > 1 -- not the first")
    assert found.payload == counted(grid, data.slice(1)).payload


def test_the_statement_reads_the_table_once_and_calls_nothing_that_trino_lacks() -> None:
    grid = Grid({
        "n": NumericColumn("n", 1, 0), "c": CategoricalColumn("c"), "t": TimestampColumn("t"),
    })  # fmt: skip
    table = SqlTable("lake", "rows", {"n": "bigint", "c": "double", "t": "timestamp"})
    statement = sqlglot.parse_one(profile_sql(grid, table, "n > 0"), read="trino")
    read = [one.name for one in statement.find_all(sqlglot.exp.Table)]
    assert read.count("rows") == 1
    unknown = {call.name for call in statement.find_all(sqlglot.exp.Anonymous)}
    assert {name.lower() for name in unknown} <= {
        "to_ieee754_64", "from_big_endian_64", "bitwise_right_shift", "is_infinite", "day_of_week", "hour",
    }  # fmt: skip


def test_what_cannot_be_counted_is_refused_by_name() -> None:
    table = SqlTable("lake", "rows", {"x": "string", "c": "array<int>", "t": "bigint", "p": "char(3)"})
    for column, words in (
        (NumericColumn("x", 0.0, 0), "no number"),
        (NumericColumn("y", 0.0, 0), "'y' is missing; table lake.rows has 'x'"),
        (CategoricalColumn("c"), "has type array<int>"),
        (CategoricalColumn("p"), "has type char"),
        (TimestampColumn("t"), "no instant"),
        (NumericColumn("score", 0.0, 0), "no column of the grid"),
    ):
        with pytest.raises(BadInput, match=re.escape(words)):
            profile_sql(Grid({column.name: column}), table)
    with pytest.raises(BadInput, match="differs from another by case only"):
        profile_sql(Grid({name: CategoricalColumn(name) for name in ("X", "x")}), table)
