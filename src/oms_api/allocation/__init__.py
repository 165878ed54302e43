"""Who may be promised what of scarce supply: demand classes, their shares of a SKU, and what they have used of them.

A class is a channel's or a customer group's; classes have ranks and may have parents. For a SKU, everywhere or at a
location, always or for a time, shares are units, percentages or ratios; what no share takes is the pool for all. Each
unit is in exactly one share, so nothing is counted twice. A class takes its own share first, then its parents', the
pool, and what lower-ranked siblings may be robbed of. Use is counted in the transaction that reserves, and given back
when the reservation lets go.

This domain knows no order and no plan; stock is inventory's. A tenant without demand classes pays nothing.
"""

from oms_api.allocation.events import AllocationChanged, DemandClassChanged
from oms_api.allocation.models import Allocation, AllocationBasis, AllocationUse, DemandClass
from oms_api.allocation.queries import Ladder, ladder_of
from oms_api.allocation.service.give_back import came_back, give_back
from oms_api.allocation.service.limits import Limits, check_class, class_of, limits
from oms_api.allocation.service.take import Claim, Wish, follow, lock, record, take

__all__ = [
    "Allocation", "AllocationBasis", "AllocationChanged", "AllocationUse", "Claim", "DemandClass", "DemandClassChanged",
    "Ladder", "Limits", "Wish", "came_back", "check_class", "class_of", "follow", "give_back", "ladder_of", "limits",
    "lock", "record", "take",
]  # fmt: skip
