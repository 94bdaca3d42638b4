"""Each bench rewrites its own section of the page."""

from pathlib import Path

from benchmarks.page import write_section


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    write_section("Data", "first", page)
    write_section("Drift", "other", page)
    write_section("Data", "second", page)
    text = page.read_text()
    assert text.startswith("# Benchmarks")
    assert "first" not in text
    assert text.index("## Data\n\nsecond") < text.index("## Drift\n\nother")
    write_section("Data", "second", page)
    assert page.read_text() == text
