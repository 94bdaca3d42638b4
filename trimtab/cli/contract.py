"""`trimtab contract`: infer a first one, check a file on this machine, compare two."""

from pathlib import Path
from typing import Annotated, Any

import typer

from trimtab.cli.options import JsonOption

contract_app = typer.Typer(no_args_is_help=True, help="What a project's files must look like.")

FileArgument = Annotated[Path, typer.Argument(help="A CSV, JSON Lines or Parquet file, perhaps compressed.")]


@contract_app.command()
def infer(
    file: FileArgument,
    to: Annotated[
        Path | None, typer.Option("--to", help="Where to write contract.py; on the screen when left out.")
    ] = None,
    delimiter: Annotated[str, typer.Option("--delimiter", help="What stands between cells.")] = ",",
    format: Annotated[str, typer.Option("--format", help="csv or jsonl.")] = "csv",
    as_json: JsonOption = False,
) -> None:
    """Write a first contract from a file, and suggest lines for project.toml; a person edits both."""
    from trimtab.cli.contracts import infer_contract
    from trimtab.cli.output import show

    found = infer_contract(file, to, delimiter, format)
    if as_json:
        show(found, as_json=True, title="")
        return
    print(found["toml"] if to else f"{found['contract']}\n{found['toml']}")


@contract_app.command()
def check(
    file: FileArgument,
    project: Annotated[
        str, typer.Option("--project", "-p", help="The project's name: its folder under pipelines/.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Run a project's contract on a file; exit with 1 when rows are quarantined or the file is refused."""
    from trimtab.cli.contracts import check_file
    from trimtab.cli.output import show

    found = check_file(file, project)
    if as_json:
        show(found, as_json=True, title="")
    else:
        facts = {
            name: found[name] for name in found if name != "violations" and found[name] not in (None, [])
        }
        show(facts, as_json=False, title=f"{file.name}: {found['verdict']}")
        if found["violations"]:
            columns = ("check", "column", "count", "examples", "remedy")
            rows = [{**one, "examples": _examples(one)} for one in found["violations"]]
            show(rows, as_json=False, title="\nviolations", columns=columns)
    if found["verdict"] != "accepted":
        raise typer.Exit(1)


@contract_app.command()
def diff(
    old: Annotated[Path, typer.Argument(help="A contract.py, or the folder of a project.")],
    new: Annotated[Path, typer.Argument(help="The other one.")],
    as_json: JsonOption = False,
) -> None:
    """Say whether rows that keep the old contract keep the new one; exit with 1 when they may not."""
    from trimtab.cli.contracts import compare_contracts
    from trimtab.cli.output import show

    found: dict[str, Any] = compare_contracts(old, new)
    if as_json:
        show(found, as_json=True, title="")
    else:
        title = "compatible" if found["compatible"] else "not compatible"
        if not found["changes"]:
            print("compatible: no column changed")
            return
        show(found["changes"], as_json=False, title=title, columns=("column", "change", "compatible", "why"))
    if not found["compatible"]:
        raise typer.Exit(1)


def _examples(violation: dict[str, Any]) -> list[str]:
    return [f"row {example['row']:,}: {example['value']}" for example in violation["examples"]]
