"""`trimtab data`: dataset versions - list, compare, fetch, check, name, register, remove, export.

VERSION is an id, four or more of its first digits, or a tag; PROJECT@VERSION where projects share one.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from trimtab.cli.options import EndpointOption, EnvironmentOption, JsonOption, ProjectArgument

data_app = typer.Typer(no_args_is_help=True, help=__doc__)

VersionArgument = Annotated[
    str, typer.Argument(metavar="VERSION", help="An id, its first digits, a tag; or PROJECT@ any of them.")
]
YesOption = Annotated[bool, typer.Option("--yes", help="Do it; without this, only say what would be done.")]


@data_app.command()
def log(
    project: ProjectArgument,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """List a project's dataset versions, newest first."""
    from trimtab.cli.data_output import LOGGED, shortened
    from trimtab.cli.output import show
    from trimtab.cli.versions import Desk

    desk = Desk.open(environment, endpoint_url)
    rows = desk.versions.log(desk.project(project).name)
    show(rows if as_json else shortened(rows), as_json=as_json, title=f"data of {project}", columns=LOGGED)


@data_app.command("show")
def show_version(
    version: VersionArgument,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a version is made of: record, schema, files and where they lie."""
    from trimtab.cli.data_output import show_description
    from trimtab.cli.versions import Desk

    desk = Desk.open(environment, endpoint_url)
    show_description(desk.describe(version), as_json=as_json)


@data_app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A version, as in the other commands.")],
    after: Annotated[str, typer.Argument(metavar="B", help="The version to compare with it.")],
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two versions: files, rows, schema, and how each column moved; exit with 1 when they differ."""
    from trimtab.cli.data_output import show_difference
    from trimtab.cli.versions import Desk

    difference = Desk.open(environment, endpoint_url).difference(before, after)
    show_difference(difference, as_json=as_json)
    if not difference["same"]:
        raise typer.Exit(1)


@data_app.command()
def pull(
    version: VersionArgument,
    to: Annotated[
        Path | None, typer.Option("--to", help="The folder; build/data/PROJECT/ID when left out.")
    ] = None,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Download a version's files, each verified; exit with 1 when one is damaged."""
    from trimtab.cli.output import show
    from trimtab.cli.versions import Desk

    facts = Desk.open(environment, endpoint_url).pull(version, to)
    show(facts, as_json=as_json, title=f"{version} is in {facts['folder']}")
    if facts["damaged"]:
        raise typer.Exit(1)


@data_app.command()
def verify(
    version: VersionArgument,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read every object of a version and check it; exit with 1 and name what is damaged."""
    from trimtab.cli.output import show
    from trimtab.cli.versions import Desk

    facts = Desk.open(environment, endpoint_url).verify(version)
    verdict = f"{len(facts['damaged'])} damaged" if facts["damaged"] else "whole"
    show(facts, as_json=as_json, title=f"{version}: {verdict}")
    if facts["damaged"]:
        raise typer.Exit(1)


@data_app.command()
def tag(
    version: VersionArgument,
    name: Annotated[str, typer.Argument(help="Lower-case letters, digits, '.', '_' and '-'.")],
    force: Annotated[bool, typer.Option("--force", help="Move a tag that names another version.")] = False,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a version a name; what has a name is never collected."""
    from trimtab.cli.output import show
    from trimtab.cli.versions import Desk

    facts = Desk.open(environment, endpoint_url).tag(version, name, force=force)
    show(facts, as_json=as_json, title=f"tag {name}")


@data_app.command()
def untag(
    project: ProjectArgument,
    name: Annotated[str, typer.Argument(help="The tag to take away.")],
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take a tag away; the version stays, and the tag's history too."""
    from trimtab.cli.output import show
    from trimtab.cli.versions import Desk

    facts = Desk.open(environment, endpoint_url).untag(project, name)
    show(facts, as_json=as_json, title=f"tag {name} taken away")


@data_app.command()
def tags(
    project: ProjectArgument,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """List a project's tags, with who moved them when."""
    from trimtab.cli.output import show
    from trimtab.cli.versions import Desk

    rows = Desk.open(environment, endpoint_url).tags(project)
    columns = ("tag", "id", "moves", "actor", "at")
    show(rows, as_json=as_json, title=f"tags of {project}", columns=columns)


@data_app.command()
def register(
    address: Annotated[str, typer.Argument(metavar="S3_URI", help="s3://bucket/prefix/ or one object.")],
    project: Annotated[str, typer.Option("--project", "-p", help="The project that the data belongs to.")],
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record Parquet or CSV objects where they lie as a dataset version, pinned, without a copy."""
    from trimtab.cli.output import show
    from trimtab.cli.versions import Desk

    facts = Desk.open(environment, endpoint_url).register(address, project)
    show(facts, as_json=as_json, title=f"{address} is {project}@{facts['id'][:12]}")


@data_app.command()
def gc(
    project: ProjectArgument,
    yes: YesOption = False,
    grace_days: Annotated[
        int, typer.Option("--grace-days", min=0, help="Keep what was superseded less long ago.")
    ] = 30,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove superseded versions that no model, tag or training run refers to; say so first."""
    from trimtab.cli.data_output import show_collection
    from trimtab.cli.versions import Desk

    facts = Desk.open(environment, endpoint_url).collect(project, timedelta(days=grace_days), really=yes)
    show_collection(facts, as_json=as_json)


@data_app.command()
def erase(
    key: Annotated[str, typer.Argument(help="The upload's key: landing/PROJECT/data/NAME.")],
    reason: Annotated[str, typer.Option("--reason", "-r", help="Why; it goes into the record.")],
    yes: YesOption = False,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Erase an upload, all its versions, and all that was made from it; record what that touched."""
    from trimtab.cli.output import show
    from trimtab.cli.versions import Desk

    facts = Desk.open(environment, endpoint_url).erase(key, reason, really=yes)
    done = "erased" if yes else "would be erased (nothing was; repeat with --yes)"
    show(facts, as_json=as_json, title=f"{key}: {done}")


@data_app.command("export-dvc")
def export_dvc(
    version: VersionArgument,
    to: Annotated[Path, typer.Option("--to", help="The folder of a DVC repository, or of a new one.")],
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write .dvc files from which DVC pulls exactly this version."""
    from trimtab.cli.output import show
    from trimtab.cli.versions import Desk

    facts = Desk.open(environment, endpoint_url).export_dvc(version, to)
    show(facts, as_json=as_json, title=f"{version} for DVC")
