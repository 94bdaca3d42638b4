"""A run of a state machine as its functions see it, and the record it leaves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trimtab.canonical import canonical_json
from trimtab.instants import parse_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution: its input, which never changes, and the ARN that names it."""

    machine: str
    execution_arn: str
    input: Mapping[str, Any]

    @classmethod
    def read(cls, machine: str, event: Mapping[str, Any]) -> "Run":
        """Read `{"input", "execution_arn"}`, which the state machine adds to every call."""
        return cls(machine=machine, execution_arn=event["execution_arn"], input=event["input"])

    @property
    def name(self) -> str:
        """Return the execution's name."""
        return self.execution_arn.rpartition(":")[2]

    @property
    def time(self) -> datetime:
        """Return the time of the event that started the run."""
        return parse_time(self.input["time"])

    def record(
        self, project: str, *, outcome: str, reason: str, details: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Return the table's item that says how the run ended; a run has one, and its last word stands."""
        return {
            "pk": f"RUN#{project}",
            "sk": f"{self.machine}#{self.input['time']}#{self.name}",
            "machine": self.machine,
            "time": self.input["time"],
            "execution_arn": self.execution_arn,
            "outcome": outcome,
            "reason": reason,
            "details": canonical_json(dict(details or {})).decode(),
        }
