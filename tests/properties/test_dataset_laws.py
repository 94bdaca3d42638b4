"""Laws of dataset versions: what a difference means, and what may never be collected."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from trimtab.dataset.difference import file_changes, is_same, schema_changes
from trimtab.dataset.retention import reasons_to_keep
from trimtab.dataset.version import dataset_id
from trimtab.instants import format_time

PATHS, DIGESTS = st.sampled_from("abcdef"), st.sampled_from(["00", "11", "22"])
SCHEMA = [{"name": "x", "type": "double"}]


def _files(content: dict[str, str]):
    return [{"path": path, "size": 1, "sha256": sha, "rows": 1} for path, sha in sorted(content.items())]


FILES = st.dictionaries(PATHS, DIGESTS).map(_files)
COLUMNS = st.lists(st.sampled_from("xyz"), unique=True).flatmap(
    lambda names: st.tuples(*(st.sampled_from(["double", "string"]) for _ in names)).map(
        lambda kinds: [{"name": name, "type": kind} for name, kind in zip(names, kinds, strict=True)]
    )
)


@given(FILES, FILES, COLUMNS, COLUMNS)
def test_two_versions_are_the_same_exactly_when_their_ids_are(before, after, old, new) -> None:
    found = {"files": file_changes(before, after), "schema": schema_changes(old, new)}
    assert is_same(found) == (dataset_id(old, before) == dataset_id(new, after))


@given(FILES, FILES)
def test_a_difference_turns_one_version_into_the_other(before, after) -> None:
    changes = file_changes(before, after)
    content = {file["path"]: file["sha256"] for file in before}
    renamed = {entry["to"]: content[entry["from"]] for entry in changes["renamed"]}
    for entry in [*changes["removed"], *({"path": one["from"]} for one in changes["renamed"])]:
        del content[entry["path"]]
    content |= renamed | {entry["path"]: entry["sha256"] for entry in changes["added"]}
    content |= {entry["path"]: entry["after"]["sha256"] for entry in changes["changed"]}
    assert content == {file["path"]: file["sha256"] for file in after}
    assert not {entry["sha256"] for entry in changes["added"]} & {
        entry["sha256"] for entry in changes["removed"]
    }


NAMES = st.sampled_from("abcd")
NOW = datetime(2013, 6, 1, tzinfo=UTC)


@given(
    superseded=st.dictionaries(NAMES, st.none() | NAMES),
    ages=st.lists(st.integers(0, 90), min_size=4, max_size=4),
    tags=st.dictionaries(st.sampled_from(["t", "u"]), NAMES),
    models=st.lists(st.tuples(st.sampled_from(["champion", "rejected", "retired"]), st.sets(NAMES))),
    running=st.sets(NAMES),
)
def test_what_anything_refers_to_is_never_collected(superseded, ages, tags, models, running) -> None:
    age = dict(zip("abcd", ages, strict=True))
    items = [
        {"sk": name, "superseded_by": by, "committed_at": format_time(NOW - timedelta(days=age[name]))}
        for name, by in superseded.items()
    ]
    reasons = reasons_to_keep(
        items,
        models=[{"version": 1, "status": status, "datasets": sorted(used)} for status, used in models],
        tags=tags,
        in_training=running,
        now=NOW,
        grace=timedelta(days=30),
    )
    leaving = {name for name, why in reasons.items() if not why}
    assert reasons.keys() == superseded.keys()
    used = set().union(*(names for status, names in models if status != "rejected"))
    assert not leaving & (set(tags.values()) | running | used)
    assert all(superseded[name] and age[name] >= 30 for name in leaving)
    for name in superseded.keys() - leaving - set(tags.values()) - running - used:
        by = superseded[name]
        assert by is None or min(age[name], age[by] if by in superseded else 90) < 30
