"""The pure statistics of time: one pool, one purse, machine-like arrival.

Arrays in, figures out; no tables, no files. What a figure weighs in a verdict is left to `detect/evidence`.
"""

from headwater.detect.pace.arrival import ArrivalFeatures, arrival_features, arrival_llr
from headwater.detect.pace.pool import PoolResult, pool_ratio
from headwater.detect.pace.purse import PurseResult, joint_pauses
from headwater.detect.pace.turns import TurnResult, joint_turns, volume_turn

__all__ = [
    "ArrivalFeatures",
    "PoolResult",
    "PurseResult",
    "TurnResult",
    "arrival_features",
    "arrival_llr",
    "joint_pauses",
    "joint_turns",
    "pool_ratio",
    "volume_turn",
]
