"""`trimtab cache`: which costly steps need not run again, and why."""

from typing import Annotated

import typer

from trimtab.cli.options import EndpointOption, EnvironmentOption, JsonOption, ProjectArgument
from trimtab.cli.session import Session

cache_app = typer.Typer(no_args_is_help=True, help="See which costly steps need not run again.")


@cache_app.command("list")
def list_entries(
    project: ProjectArgument,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what the step cache keeps, newest first."""
    from trimtab.cli.cache_output import show_entries

    show_entries(Session.open(environment, endpoint_url), project, as_json=as_json)


@cache_app.command()
def explain(
    project: ProjectArgument,
    of: Annotated[
        str | None,
        typer.Option("--training-set", help="A stored training set; the one of all data when left out."),
    ] = None,
    job: Annotated[
        str | None, typer.Option("--job", help="Compare with this job rather than with the nearest.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", help="The instant of the training in UTC; now when left out.")
    ] = None,
    environment: EnvironmentOption = "dev",
    endpoint_url: EndpointOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show each part of the key that a training now would have, and what changed since the nearest job."""
    from trimtab.cli.cache_output import show_explanation

    session = Session.open(environment, endpoint_url)
    show_explanation(session, project, of=of, job=job, at=at, as_json=as_json)
