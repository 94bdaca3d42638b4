"""What a Lambda function knows of its surroundings, read from its environment variables on first use."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionSettings:
    """Where a function of a project finds its data."""

    environment: str
    project: str
    data_bucket: str
    model_bucket: str
    table: str

    @classmethod
    def from_variables(cls, variables: Mapping[str, str]) -> "FunctionSettings":
        """Read the settings; raise KeyError naming the first variable that is missing."""
        return cls(
            environment=variables["TRIMTAB_ENVIRONMENT"],
            project=variables["TRIMTAB_PROJECT"],
            data_bucket=variables["TRIMTAB_DATA_BUCKET"],
            model_bucket=variables["TRIMTAB_MODEL_BUCKET"],
            table=variables["TRIMTAB_TABLE"],
        )


@cache
def function_settings() -> FunctionSettings:
    """Return this function's settings."""
    return FunctionSettings.from_variables(os.environ)


def project_folder() -> Path:
    """Return the folder of this function's project inside the deployed code."""
    return Path(__file__).parents[2] / "pipelines" / function_settings().project
