"""Waves: units of many orders are planned again together, and carried out order by order."""

from oms_api.orders.service.wave.run import STALE_AFTER, fail, run, start
from oms_api.orders.service.wave.words import Asked, Segment, WaveOutcome, WaveUnits

__all__ = ["STALE_AFTER", "Asked", "Segment", "WaveOutcome", "WaveUnits", "fail", "run", "start"]
