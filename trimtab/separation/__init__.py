"""Whether a classifier can tell two samples of rows apart: drift that no single column shows."""

from trimtab.separation.classifier import Settings, separate
from trimtab.separation.encoding import Encoded, encode
from trimtab.separation.sample import Reservoir
from trimtab.separation.verdict import BlockScore, Separation, judge

__all__ = ["BlockScore", "Encoded", "Reservoir", "Separation", "Settings", "encode", "judge", "separate"]
