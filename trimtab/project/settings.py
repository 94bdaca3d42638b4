"""The settings of a project (`project.toml`) and of an environment, typed and frozen."""

import codecs
import difflib
import re
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from trimtab.zones import zone_names

TrainReason = Literal["first_data", "data", "drift", "decay", "schedule"]
Window = Literal["day", "week", "month"]
Season = Literal["weekend", "weekday", "month"]
WINDOWS_PER_YEAR: dict[Window, float] = {"day": 365.25, "week": 52.18, "month": 12.0}
# SageMaker allows 63 characters in a training job's name; 26 of them are ours.
NAME_PATTERN = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST_NAME = 24
# A run's state holds 256 KB; a part takes less than 450 bytes of it.
MOST_PARTS = 500
SCORE = "score"  # what profiles call the prediction
ScheduleExpression = Annotated[str, Field(pattern=r"^(cron|rate)\(.+\)$")]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A frozen section that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(Section):
    """What an uploaded file looks like."""

    timestamp: str
    label: str
    prediction_id: str = "prediction_id"
    # Of instants that carry none; without it they are refused.
    timezone: str | None = None
    format: Literal["csv", "jsonl", "parquet"] = "csv"
    delimiter: str = Field(default=",", pattern=r"^[\x09\x20-\x21\x23-\x7e]$")
    encoding: str = "utf-8"
    null_tokens: tuple[str, ...] = ("", "NA")
    max_bad_share: Share = 0.01
    min_rows: int = Field(default=1, ge=1)
    max_rows: int | None = Field(default=None, ge=1)
    ordered: bool = False
    sensitive: tuple[str, ...] = ()
    part_bytes: int = Field(default=64 * 2**20, ge=1)
    max_lambda_bytes: int = Field(default=2**30, ge=1)
    max_bytes: int = Field(default=10_000_000_000, ge=1)
    max_label_bytes: int = Field(default=500_000_000, ge=1)
    max_ratio: float = Field(default=200, gt=1)
    max_record_bytes: int = Field(default=2**20, ge=16)
    max_columns: int = Field(default=2_000, ge=1)
    max_depth: int = Field(default=8, ge=1)
    max_key_bytes: int = Field(default=4_000_000_000, ge=1)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        if value is not None and value not in zone_names():
            folded = {name.casefold(): name for name in sorted(zone_names())}
            close = difflib.get_close_matches(value.casefold().replace(" ", "_"), folded, n=3, cutoff=0.5)
            like = " or ".join(folded[name] for name in close) or "America/New_York"
            raise ValueError(
                f"{value!r} is no name in the IANA database of zones; write one such as {like}, or leave it "
                "out if the files' instants carry their zone"
            )
        return value

    @field_validator("encoding")
    @classmethod
    def _ascii_within(cls, value: str) -> str:
        """Admit encodings in which a line break and a quote are the bytes of ASCII, wherever they stand."""
        try:
            name = codecs.lookup(value).name
            alone = all(
                bytes([byte, 65]).decode(name, "replace").endswith("A")
                and len(bytes([byte, 65]).decode(name, "replace")) == 2
                for byte in range(128, 256)
            )
            ascii_is_ascii = bytes(range(128)).decode(name) == bytes(range(128)).decode("ascii")
        except (LookupError, UnicodeError, TypeError) as error:
            raise ValueError(f"{value!r} is no encoding of text; use utf-8, or one such as cp1250") from error
        if name != "utf-8" and not (alone and ascii_is_ascii):
            raise ValueError(
                f"{value!r} has no fixed place for line breaks; export the files as UTF-8, or in an encoding "
                "of one byte a letter such as cp1250 or latin-1"
            )
        return name

    @model_validator(mode="after")
    def _few_enough_parts(self) -> "Data":
        parts = -(-self.max_bytes // self.part_bytes)
        if parts > MOST_PARTS:
            raise ValueError(
                f"a file of max_bytes would have {parts:,} parts of part_bytes, at most {MOST_PARTS} may be "
                "listed in a run; raise part_bytes or lower max_bytes"
            )
        return self


class Features(Section):
    """The raw columns of a request, by kind; what the contract checks and monitoring watches."""

    numeric: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _distinct(self) -> "Features":
        names = self.numeric + self.categorical
        if not names:
            raise ValueError("name at least one column in numeric or categorical")
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"column {twice[0]!r} is listed twice; a column has one kind")
        return self


class Train(Section):
    """When to train, on what, and with which parameters."""

    on: tuple[TrainReason, ...] = ("first_data", "drift", "decay", "schedule")
    schedule: ScheduleExpression = "cron(0 7 2 * ? *)"
    minimum_days: int = Field(default=28, ge=2)
    holdout_share: float = Field(default=0.2, gt=0, lt=1)
    cooldown_days: float = Field(default=7, ge=0)
    jobs_per_30_days: int = Field(default=8, ge=1)
    instance_type: str = "ml.m5.large"
    volume_gb: int = Field(default=10, ge=1)
    max_runtime_seconds: int = Field(default=3600, ge=60)
    seed: int = 0
    threads: int = Field(default=1, ge=1)
    cache_max_age_days: float = Field(default=30, ge=0)
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)


class Gate(Section):
    """What a challenger must show before it may replace the champion."""

    min_auc: Share = 0.6
    confidence: float = Field(default=0.8, gt=0.5, lt=1)
    min_gain: float = 0.0
    minimum_blocks: int = Field(default=5, ge=2)
    resamples: int = Field(default=500, ge=100)
    importance_folds: int = Field(default=5, ge=2)
    leak_waiver: tuple[str, ...] = ()


class Serve(Section):
    """How the champion answers."""

    approval: Literal["auto", "manual"] = "auto"
    capture_percentage: int = Field(default=100, ge=1, le=100)
    capture_lead_days: int = Field(default=2, ge=0)


class WatchedColumn(Section):
    """What one column wants otherwise; `weight` takes the place of its share of the model's importance."""

    tolerance: float | None = Field(default=None, ge=0, lt=1)
    weight: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    ignore: bool = False


class MonitoredTable(Section):
    """A table of the Glue catalog that holds production's rows, scored: one row per prediction."""

    name: str = Field(pattern=r"^[a-z0-9_-]+\.[a-z0-9_-]+$")
    location: str = Field(pattern=r"^s3://[a-z0-9.-]+/([^*?]+/)?$")
    workgroup: str = Field(default="primary", pattern=r"^[a-zA-Z0-9._-]{1,128}$")
    day_partition: str | None = None


class Monitor(Section):
    """How often production is compared with the champion's baseline, and what counts as drift."""

    window: Window = "month"
    schedule: ScheduleExpression = "cron(0 6 * * ? *)"
    false_alarms_per_year: float = Field(default=1.0, gt=0)
    min_weight: Share = 0.25
    tolerance: float = Field(default=0.001, gt=0)
    minimum_rows: int = Field(default=200, ge=1)
    persistence: tuple[int, int] = (2, 3)
    max_auc_drop: Share = 0.03
    # What one function reads; a window of more is profiled side by side, in a Distributed Map.
    objects_per_shard: int = Field(default=1000, ge=1)
    bytes_per_shard: int = Field(default=64_000_000, ge=1)
    late_days: int = Field(default=2, ge=0)
    season: Season | None = None
    columns: dict[str, WatchedColumn] = Field(default_factory=dict)
    engine: Literal["lambda", "athena"] = "lambda"
    table: MonitoredTable | None = None

    @model_validator(mode="after")
    def _engine_has_its_table(self) -> "Monitor":
        if (self.engine == "athena") != (self.table is not None):
            raise ValueError(
                'engine = "athena" and a section [monitor.table] belong together; give both, or neither'
            )
        return self

    @field_validator("persistence")
    @classmethod
    def _m_of_n(cls, value: tuple[int, int]) -> tuple[int, int]:
        needed, of = value
        if not 1 <= needed <= of:
            raise ValueError("persistence is [M, N] with 1 <= M <= N, such as [2, 3]")
        return value

    @model_validator(mode="after")
    def _season_fits_window(self) -> "Monitor":
        if self.season in ("weekend", "weekday") and self.window != "day":
            raise ValueError(
                f"a {self.window} holds every day of the week, so its season cannot be {self.season!r}; use "
                'season = "month", or window = "day"'
            )
        if self.season == "month" and self.window == "day":
            raise ValueError(
                'a day is compared with days of its own kind; use season = "weekend" or "weekday", or a '
                "window of a week or a month"
            )
        return self


class Project(Section):
    """A project: one model, its data, when it is trained and how it is watched."""

    name: str
    description: str = ""
    data: Data
    features: Features
    train: Train = Train()
    gate: Gate = Gate()
    serve: Serve = Serve()
    monitor: Monitor = Monitor()

    @field_validator("name")
    @classmethod
    def _legal_name(cls, value: str) -> str:
        if not NAME_PATTERN.fullmatch(value) or len(value) > LONGEST_NAME:
            raise ValueError(
                f"{value!r} must be lower-case letters, digits and single hyphens, start with a letter "
                f"and have at most {LONGEST_NAME} characters, because SageMaker's names are built from it"
            )
        return value

    @model_validator(mode="after")
    def _label_is_no_feature(self) -> "Project":
        names = self.features.numeric + self.features.categorical
        for column in (self.data.label, self.data.prediction_id):
            if column in names:
                raise ValueError(
                    f"column {column!r} is the label or the prediction's id; it cannot be a feature"
                )
        if unknown := sorted(set(self.gate.leak_waiver) - set(names)):
            raise ValueError(f"gate.leak_waiver names {unknown[0]!r}, which is no column of [features]")
        return self

    @model_validator(mode="after")
    def _watches_known_columns(self) -> "Project":
        watched = {*self.features.numeric, *self.features.categorical, SCORE}
        if unknown := sorted(set(self.monitor.columns) - watched):
            raise ValueError(
                f"monitor.columns names {unknown[0]!r}, which is neither a column of [features] nor "
                f"{SCORE!r}, the prediction"
            )
        if watched == {name for name, one in self.monitor.columns.items() if one.ignore}:
            raise ValueError("monitor.columns ignores every column; leave at least one to watch")
        return self


class Environment(Section):
    """A deployment target."""

    name: str = Field(pattern=r"^[a-z][a-z0-9]{1,9}$")
    region: str = "us-east-1"
    account: str | None = Field(default=None, pattern=r"^\d{12}$")
    retain: bool = True
    endpoint: bool = True
    endpoint_instance_type: str = "ml.m5.large"
    endpoint_instance_count: int = Field(default=1, ge=1)
    log_retention_days: int = 90
    scoring_retention_days: int = Field(default=30, ge=1)
    alert_email: str | None = None
