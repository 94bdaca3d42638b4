"""The arguments and options that commands share."""

from typing import Annotated

import typer

EnvironmentOption = Annotated[
    str, typer.Option("--environment", "-e", envvar="TRIMTAB_ENVIRONMENT", help="Which environment.")
]
EndpointOption = Annotated[
    str | None,
    typer.Option(
        "--endpoint-url", envvar="AWS_ENDPOINT_URL", help="The local server's address; AWS when left out."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ProjectArgument = Annotated[str, typer.Argument(help="The project's name: its folder under pipelines/.")]
ReasonOption = Annotated[str, typer.Option("--reason", "-r", help="Why; it goes into the record.")]
