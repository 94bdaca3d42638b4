"""What the commands about contracts do."""

from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from trimtab.cli.session import find_root
from trimtab.contract.contract import load_contract, read_contract
from trimtab.contract.difference import compare
from trimtab.contract.examination import Examination, examine_file
from trimtab.contract.inference import contract_text, infer, suggestions
from trimtab.contract.part import PartCheck
from trimtab.errors import BadInput
from trimtab.project import load_project
from trimtab.project.settings import Data
from trimtab.reading.files import TextFile
from trimtab.reading.rows import Wanted
from trimtab.reading.sources import FileSource


def infer_contract(file: Path, to: Path | None, delimiter: str, format: str) -> dict[str, Any]:
    """Infer a contract and suggestions from a text file; write the contract to `to` unless that exists."""
    if format not in ("csv", "jsonl"):
        raise BadInput(f"format {format!r} is not read here; a contract is inferred from csv or jsonl")
    if to is not None and to.exists():
        raise BadInput(
            f"{to} exists; a contract that a person has edited is not overwritten: remove it first"
        )
    data = Data(timestamp="", label="", delimiter=delimiter, format=format)  # type: ignore[arg-type]
    source = _source(file)
    names = _names(source, data)
    opened = TextFile(source, Wanted(dict.fromkeys(names, "text"), tuple(names)), data)
    with closing(opened):
        columns = infer(opened.rows(), is_json=format == "jsonl")
    text = contract_text(columns, file.name)
    if to is not None:
        to.write_text(text, encoding="utf-8")
    suggested = suggestions(columns, delimiter)
    return {
        "contract": text,
        "written_to": str(to) if to else None,
        **suggested,
        "toml": toml_text(suggested),
    }


def check_file(file: Path, project: str) -> dict[str, Any]:
    """Run the contract of a project of this checkout on a file."""
    folder = find_root(Path.cwd()) / "pipelines" / project
    settings = load_project(folder)
    contract = load_contract(folder, settings)
    with TemporaryDirectory(prefix="trimtab-") as work:
        return _told(examine_file(_source(file), PartCheck(contract, settings, Path(work))))


def compare_contracts(old: Path, new: Path) -> dict[str, Any]:
    """Compare two contracts by their files or their projects' folders."""
    before, after = read_contract(_contract_file(old), "old"), read_contract(_contract_file(new), "new")
    changes = compare(before, after)
    return {
        "compatible": all(change.compatible for change in changes),
        "changes": [change.to_dict() for change in changes],
    }


def _told(examined: Examination) -> dict[str, Any]:
    violations = [finding.to_dict() for finding in examined.findings]
    refusal = examined.refusal
    if refusal is not None and not violations:
        violations = [
            {"check": refusal.code, "column": "(file)", "count": 1, "examples": [], "remedy": refusal.reason}
        ]
    return {
        "verdict": examined.verdict,
        "code": refusal.code if refusal else None,
        "reason": refusal.reason if refusal else None,
        "rows": examined.rows,
        "accepted": examined.accepted,
        "quarantined": examined.bad,
        "warnings": list(examined.warnings),
        "violations": violations,
    }


def _names(source: FileSource, data: Data) -> list[str]:
    """Return the columns of the file: those of its header, or of the first object."""
    opened = TextFile(source, Wanted({}, ()), data)
    with closing(opened):
        if data.format == "csv":
            return list(opened.extra)
        first = next(opened.rows(), None)
        return list(first.extra) if first else []


def _source(file: Path) -> FileSource:
    if not file.is_file():
        raise BadInput(f"{file} does not exist or is not a file")
    return FileSource(file)


def _contract_file(path: Path) -> Path:
    return path / "contract.py" if path.is_dir() else path


_UNKNOWN = {"timezone": 'there are times without a zone: name that of their clocks, as in "America/New_York"'}


def toml_text(suggested: dict[str, Any]) -> str:
    """Return suggestions as lines of project.toml; what only a person knows is a comment."""
    lines = []
    for section, values in suggested.items():
        lines.append(f"[{section}]")
        for name, value in values.items():
            unknown = _UNKNOWN.get(name, "none was found: name it")
            lines.append(
                f"{name} = {_value(value)}" if value is not None else f'# {name} = "..." ({unknown})'
            )
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
