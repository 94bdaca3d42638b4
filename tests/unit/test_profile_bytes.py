"""Profiles as bytes: equal contents are equal, damage is noticed."""

import lzma
import struct
import zlib
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from trimtab.errors import BadInput
from trimtab.profile import Grid, NumericCounts, Profile, encoding
from trimtab.profile.encoding import pack, unpack_header
from trimtab.profile.keys import mean_offsets

KINDS: dict[str, Any] = {"x": "numeric", "c": "categorical"}


def table_of(**columns: Any) -> pa.Table:
    return pa.table(columns)


@pytest.fixture
def profile() -> Profile:
    rng = np.random.default_rng(0)
    table = table_of(x=rng.normal(size=500), c=rng.choice(["ä", "b", "c"], 500))
    return Profile.of(Grid.from_table(table, KINDS), table)


def test_bytes_read_back_are_the_same_profile(profile: Profile) -> None:
    again = Profile.from_bytes(profile.to_bytes())
    assert again == profile
    assert again.to_bytes() == profile.to_bytes()
    assert (again.key, again.rows) == (profile.key, 500)
    assert hash(again) == hash(profile)


def test_order_and_split_of_the_rows_leave_no_trace() -> None:
    rng = np.random.default_rng(1)
    table = table_of(x=np.exp(rng.normal(size=2000) * 4), c=rng.integers(0, 9, 2000))
    grid = Grid.from_table(table, KINDS)
    whole = Profile.of(grid, table)
    shuffled = table.take(rng.permutation(2000))
    parts = [Profile.of(grid, shuffled.slice(start, 300)) for start in range(0, 2000, 300)]
    assert Profile.merged(parts).to_bytes() == whole.to_bytes()


def test_key_does_not_depend_on_how_hard_the_bytes_were_compressed(profile: Profile) -> None:
    data = profile.to_bytes()
    recompressed = data[:4] + lzma.compress(lzma.decompress(data[4:]), preset=6)
    assert Profile.from_bytes(recompressed).key == profile.key


def test_every_flipped_byte_is_noticed_or_changes_the_key(profile: Profile) -> None:
    data = profile.to_bytes()
    for place in range(0, len(data), 97):
        damaged = bytearray(data)
        damaged[place] ^= 0x55
        assert read_key(bytes(damaged)) != profile.key


def test_a_rounded_profile_keeps_its_counts_in_half_the_bytes() -> None:
    rng = np.random.default_rng(2)
    table = table_of(x=np.r_[rng.normal(size=20_000), 1e300], c=rng.integers(0, 9, 20_001))
    profile = Profile.of(Grid.from_table(table, KINDS), table)
    rough = profile.rounded()
    then, now = profile.columns["x"], rough.columns["x"]
    assert isinstance(then, NumericCounts)
    assert isinstance(now, NumericCounts)
    assert (now.sums.cells == then.sums.cells).all()
    assert (now.sums.counts == then.sums.counts).all()
    assert (now.minimum, now.maximum, rough.columns["c"]) == (
        then.minimum,
        then.maximum,
        profile.columns["c"],
    )
    # Off by half a cell at most, which is a 2,048th of the scale and of the distance from the centre.
    apart = np.abs(mean_offsets(now.sums) - mean_offsets(then.sums))
    assert (apart <= (1 + np.abs(mean_offsets(then.sums))) / 2047).all()
    assert Profile.from_bytes(rough.to_bytes()) == rough == rough.rounded()
    assert len(rough.to_bytes()) < len(profile.to_bytes()) / 2


def read_key(data: bytes) -> str | None:
    try:
        return Profile.from_bytes(data).key
    except BadInput:
        return None


@pytest.mark.parametrize("data", [b"", b"TTP\x03", b"TTP\x02" + zlib.compress(b""), b"PK\x03\x04rest"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        Profile.from_bytes(data)


def test_bytes_after_the_end_are_refused(profile: Profile) -> None:
    with pytest.raises(BadInput, match="too long"):
        Profile.from_bytes(profile.to_bytes() + b"more")


def test_bytes_that_unfold_beyond_the_limit_are_refused(
    profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "_LARGEST_PAYLOAD", len(profile.payload) - 1)
    with pytest.raises(BadInput, match="too large"):
        Profile.from_bytes(profile.to_bytes())


def test_rows_that_do_not_add_up_are_refused(profile: Profile) -> None:
    text, start = unpack_header(profile.payload)
    claimed = text.replace(b'"rows":500', b'"rows":501')
    with pytest.raises(BadInput, match="500 of 501 rows"):
        Profile.from_payload(struct.pack("<I", len(claimed)) + claimed + profile.payload[start:])


def test_cells_out_of_order_are_refused(profile: Profile) -> None:
    header = {
        "grid": {"schema": 2, "columns": [{"name": "x", "kind": "numeric", "center": 0.0, "exponent": 0}]},
        "rows": 2,
        "columns": {
            "x": {
                "nulls": 0,
                "nans": 0,
                "positive_infinities": 0,
                "negative_infinities": 0,
                "minimum": 0.0,
                "maximum": 0.0,
            }
        },
    }
    ones = np.array([1, 1])
    good = pack(header, [np.array([3, 1]), ones, ones])
    assert Profile.from_payload(good).columns["x"].present == 2
    with pytest.raises(BadInput, match="out of order"):
        Profile.from_payload(pack(header, [np.array([3, 0]), ones, ones]))
