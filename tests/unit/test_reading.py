"""Formats and bounds: what each reader takes, sets aside and refuses."""

import gzip
import io
import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet
from pydantic import ValidationError

from tests.unit import shop
from tests.unit.examining import Examined, examine
from trimtab.contract.contract import load_contract
from trimtab.errors import BadInput
from trimtab.project import load_project
from trimtab.project.settings import Data

type Run = Callable[..., Examined]
ROWS = [shop.row(number) for number in range(30)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Return what examines bytes as files of the shop, under other settings of [data]."""
    folder = shop.make_folder(tmp_path)
    project = load_project(folder)
    contract = load_contract(folder, project)
    return lambda body, **settings: examine(body, contract, project, tmp_path, **settings)


def records() -> list[dict[str, Any]]:
    """Return the good rows as JSON objects."""
    kinds = {"weight": float, "amount": int, "late": int}
    found = (dict(zip(shop.HEADER.split(","), row.split(","), strict=True)) for row in ROWS)
    return [{name: kinds.get(name, str)(value) for name, value in one.items()} for one in found]


def as_jsonl(found: list[dict[str, Any]]) -> bytes:
    """Return objects as JSON Lines."""
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in found).encode()


def as_parquet(**columns: Any) -> bytes:
    """Return the good rows as Parquet, with other columns in place of some."""
    frame = pd.DataFrame(records())
    frame["at"] = pd.to_datetime(frame["at"])
    table = pa.Table.from_pandas(frame, preserve_index=False)
    for name, values in columns.items():
        table = table.set_column(table.column_names.index(name), name, values)
    sink = io.BytesIO()
    parquet.write_table(table, sink)
    return sink.getvalue()


def test_every_format_and_compression_gives_the_same_rows(run: Run) -> None:
    plain = run(shop.upload(ROWS))
    assert plain.table is not None
    bodies = {
        "jsonl": (as_jsonl(records()), {"format": "jsonl"}),
        "mark": (b"\xef\xbb\xbf" + as_jsonl(records()), {"format": "jsonl"}),
        "parquet": (as_parquet(), {"format": "parquet"}),
        "dictionary": (as_parquet(place=pa.array(pd.DataFrame(records())["place"]).dictionary_encode()),
                       {"format": "parquet"}),
        "whole numbers as floats": (as_parquet(amount=pa.array(np.full(30, 2.0))), {"format": "parquet"}),
    }  # fmt: skip
    for name, (body, settings) in bodies.items():
        found = run(body, **settings)
        assert found.refusal is None, (name, found.refusal)
        assert found.table is not None
        assert found.table.equals(plain.table), name


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_compressed_text_is_told_by_its_first_bytes(codec: str, form: str, run: Run) -> None:
    body = shop.upload(ROWS) if form == "csv" else as_jsonl(records())
    packed = gzip.compress(body) if codec == "gzip" else pa.compress(body, codec="zstd", asbytes=True)
    assert run(packed, format=form).accepted == 30
    if (codec, form) == ("gzip", "jsonl"):
        assert run(packed + packed, format=form).rows == 60, "an archive of two members is read to its end"


REFUSED_JSON = [
    pytest.param(
        b'{"a": [[[[[[[[[[1]]]]]]]]]]}\n', "TOO_DEEP", "row 1 nests deeper than 8 levels", id="deep"
    ),
    pytest.param(b"[" * 100_000 + b"\n", "TOO_DEEP", "row 1", id="very_deep"),
    pytest.param(as_jsonl([{f"k{n}": n for n in range(2001)}]), "TOO_WIDE", "2,001 keys", id="wide"),
    pytest.param(b"\n\n", "EMPTY_FILE", "empty", id="blank"),
    pytest.param(
        b"1\n2\n",
        "RAGGED_ROWS",
        "rows are no JSON objects, the first one row 1 which is JSON",
        id="no_object",
    ),
    pytest.param(as_jsonl(records()) + b"{]\n", "RAGGED_ROWS", "row 31 which is no JSON", id="no_json"),
    pytest.param(as_jsonl(records()) + b'{"a": NaN}\n', "RAGGED_ROWS", "NaN is no number", id="nan"),
    pytest.param(
        as_jsonl(records()) + b'{"at": 1, "at": 2}\n', "RAGGED_ROWS", "names a key twice", id="twice"
    ),
    pytest.param(b"{" + b" " * 2_000_000 + b"}\n", "TOO_LONG", "longer than 1,048,576 bytes", id="long"),
]


@pytest.mark.parametrize(("body", "code", "words"), REFUSED_JSON)
def test_json_lines_that_cannot_be_used_are_refused(body: bytes, code: str, words: str, run: Run) -> None:
    found = run(body, format="jsonl", max_bytes=10**7)
    assert (found.refusal.code, words in found.refusal.reason) == (code, True), found.refusal.reason


def test_brackets_in_texts_are_no_nesting(run: Run) -> None:
    found = run(as_jsonl([{**one, "email": '@[[[[[[[[[["\\{{{{'} for one in records()]), format="jsonl")
    assert found.verdict == "accepted"


NAIVE = pa.array([datetime(2013, 1, 1)] * 30, pa.timestamp("us"))  # noqa: DTZ001 - what is refused
REFUSED_PARQUET = [
    pytest.param(as_parquet(at=NAIVE), "NAIVE_TIMESTAMP", "'at'", id="naive"),
    pytest.param(
        as_parquet(weight=pa.array(["1"] * 30)), "TYPE_MISMATCH", "'weight' is of type string", id="text"
    ),
    pytest.param(
        as_parquet(place=pa.array([[1]] * 30)), "TYPE_MISMATCH", "'place' is of type list", id="nested"
    ),
    pytest.param(as_parquet()[:-8], "FORMAT", "no Parquet that can be read", id="cut_off"),
    pytest.param(shop.upload(ROWS), "FORMAT", "no Parquet that can be read", id="csv"),
    pytest.param(b"", "EMPTY_FILE", "empty", id="empty"),
]


@pytest.mark.parametrize(("body", "code", "words"), REFUSED_PARQUET)
def test_parquet_that_cannot_be_used_is_refused(body: bytes, code: str, words: str, run: Run) -> None:
    found = run(body, format="parquet")
    assert (found.refusal.code, words in found.refusal.reason) == (code, True), found.refusal.reason


def test_numbers_that_are_none_break_the_contract_in_parquet_too(run: Run) -> None:
    weights = [1.0, math.inf, -math.inf, math.nan, None, *[1.0] * 25]
    amounts = [2.0] * 20 + [2.5, *[2.0] * 9]
    found = run(as_parquet(weight=pa.array(weights), amount=pa.array(amounts)), format="parquet")
    assert [row["row"] for row in found.set_aside] == [2, 3, 4, 21]
    assert {reason["check"] for row in found.set_aside for reason in row["reasons"]} == {"type"}
    instant = pa.array([datetime(2013, 1, 1, tzinfo=UTC)] * 30, pa.timestamp("ns", "Europe/Prague"))
    assert run(as_parquet(at=instant), format="parquet").verdict == "accepted"


@pytest.mark.parametrize("encoding", ["utf-16", "shift_jis", "klingon", "rot13", "cp037"])
def test_an_encoding_in_which_lines_cannot_be_found_is_refused_with_a_remedy(encoding: str) -> None:
    with pytest.raises(ValidationError, match=r"utf-8|UTF-8"):
        Data(timestamp="a", label="b", encoding=encoding)


def test_so_many_parts_that_no_run_can_list_them_are_refused() -> None:
    with pytest.raises(ValidationError, match="raise part_bytes or lower max_bytes"):
        Data(timestamp="a", label="b", part_bytes=1000)


WIDE_CHECKS = [
    pytest.param(
        "    @pa.check('weight', groupby='place')\n    def g(cls, groups): return True\n", "groups rows"
    ),
    pytest.param(
        "    @pa.check('weight')\n    def m(cls, s): return s.mean() > 99\n", "cannot be carried out"
    ),
]


@pytest.mark.parametrize(("check", "words"), WIDE_CHECKS)
def test_a_check_that_no_chunk_can_be_judged_by_is_refused(check: str, words: str, tmp_path: Path) -> None:
    folder = shop.make_folder(tmp_path, contract=shop.CONTRACT + check)
    project = load_project(folder)
    with pytest.raises(BadInput, match=words):
        examine(shop.upload(ROWS), load_contract(folder, project), project, tmp_path)
