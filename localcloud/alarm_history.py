"""Remember what happened to alarms, and answer DescribeAlarmHistory, which moto does not have."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from localcloud.alarm_actions import Standing
from localcloud.bridges import aware


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """Hold one line of an alarm's history."""

    name: str
    time: datetime
    kind: str
    summary: str
    data: Mapping[str, Any]

    def as_answer(self) -> dict[str, Any]:
        """Write it as DescribeAlarmHistory does."""
        return {
            "AlarmName": self.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": self.time,
            "HistoryItemType": self.kind,
            "HistorySummary": self.summary,
            "HistoryData": json.dumps({"version": "1.0", **self.data}),
        }


class History:
    """Keep every item, oldest first; like CloudWatch's, it outlives the alarm."""

    def __init__(self) -> None:
        """Start empty."""
        self._items: list[Item] = []

    def configured(self, name: str, time: datetime, *, is_new: bool) -> None:
        """Record that an alarm was created or changed."""
        verb = "created" if is_new else "updated"
        data = {"type": "Create" if is_new else "Update"}
        item = Item(
            name=name, time=time, kind="ConfigurationUpdate", summary=f'Alarm "{name}" {verb}', data=data
        )
        self._items.append(item)

    def changed(self, name: str, before: Standing, after: Standing) -> None:
        """Record a change of state."""
        data = {"type": "Update", "oldState": _state(before), "newState": _state(after)}
        summary = f"Alarm updated from {before.value} to {after.value}"
        self._items.append(Item(name=name, time=after.since, kind="StateUpdate", summary=summary, data=data))

    def page(
        self,
        *,
        name: str | None,
        kind: str | None,
        start: datetime | None,
        end: datetime | None,
        descending: bool,
    ) -> list[dict[str, Any]]:
        """Return the items that match, newest first unless told otherwise."""
        found = [
            item.as_answer()
            for item in self._items
            if (name is None or item.name == name)
            and (kind is None or item.kind == kind)
            and (start is None or aware(item.time) >= aware(start))
            and (end is None or aware(item.time) <= aware(end))
        ]
        return found[::-1] if descending else found


def _state(standing: Standing) -> dict[str, Any]:
    written: dict[str, Any] = {"stateValue": standing.value, "stateReason": standing.reason}
    if standing.reason_data and standing.reason_data != "{}":
        written["stateReasonData"] = json.loads(standing.reason_data)
    return written
