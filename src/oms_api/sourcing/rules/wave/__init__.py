"""Waves: many orders share out the same stock, by column generation over the exact planner."""

from oms_api.sourcing.rules.wave.solve import wave
from oms_api.sourcing.rules.wave.words import NEVER_WORSE, WEIGHT, Claim, Held, Outcome, Sent, Share, WaveStrategy

__all__ = ["NEVER_WORSE", "WEIGHT", "Claim", "Held", "Outcome", "Sent", "Share", "WaveStrategy", "wave"]
