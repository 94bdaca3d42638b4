"""`trimtab lineage`: what led to a model, and what became of data, from the table's own record."""

import json
from typing import Annotated, Any

import typer

from trimtab.cli.options import EndpointOption, EnvironmentOption, JsonOption

lineage_app = typer.Typer(no_args_is_help=True, help=__doc__)

MermaidOption = Annotated[bool, typer.Option("--mermaid", help="Print a Mermaid flow chart.")]


@lineage_app.command()
def model(
    name: Annotated[str, typer.Argument(metavar="PROJECT@VERSION", help="Such as flights@3.")],
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
    mermaid: MermaidOption = False,
) -> None:
    """Show what a model was made from: training set, dataset versions, objects, uploads."""
    from trimtab.aws.lineage import origins_with_objects
    from trimtab.cli.session import Session
    from trimtab.errors import BadInput
    from trimtab.model.lineage import model_node
    from trimtab.model.record import model_sort_key

    session = Session.open(environment, endpoint_url)
    project, _, version = name.rpartition("@")
    if not project or not version.isdecimal():
        raise BadInput(f"{name!r} names no model; write PROJECT@VERSION such as flights@3")
    project = session.project(project).name
    if session.table.get(f"MODEL#{project}", model_sort_key(int(version))) is None:
        raise BadInput(f"{project} has no model {version}; list them with: trimtab models {project}")
    node = model_node(project, int(version))
    tree = origins_with_objects(session.table, session.data, node, project)
    _show(tree, as_json=as_json, mermaid=mermaid, is_upwards=False)


@lineage_app.command()
def data(
    version: Annotated[str, typer.Argument(metavar="VERSION", help="A dataset version: id, digits or tag.")],
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
    mermaid: MermaidOption = False,
) -> None:
    """Show what became of a dataset version: training sets, models, endpoints."""
    from trimtab.aws.lineage import descendants
    from trimtab.cli.versions import Desk
    from trimtab.model.lineage import dataset_node

    desk = Desk.open(environment, endpoint_url)
    found = desk.versions.resolve(version)
    tree = descendants(desk.session.table, dataset_node(found.id), found.project)
    _show(tree, as_json=as_json, mermaid=mermaid, is_upwards=True)


def _show(tree: dict[str, Any], *, as_json: bool, mermaid: bool, is_upwards: bool) -> None:
    from trimtab.cli.lineage_output import as_mermaid, as_rich
    from trimtab.cli.output import console_for_people

    if as_json:
        print(json.dumps(tree, indent=2))
    elif mermaid:
        print(as_mermaid(tree, is_upwards=is_upwards))
    else:
        console_for_people().print(as_rich(tree))
