"""Every SELECT of the stock ledger that takes no lock: `promisable` as promises see it, `rows` as they lie, `rule`s."""

from oms_api.inventory.queries.dated import Due, Owed, dated
from oms_api.inventory.queries.known import Known, Memory, OfSku, known_skus, known_stock
from oms_api.inventory.queries.promisable import Beside, Incoming, Stock, beside, stock
from oms_api.inventory.queries.rows import (
    COMING,
    HELD,
    LAPSED_BATCH_MAX,
    LAPSING,
    OVERDUE_BATCH_MAX,
    brought,
    counts_by_id,
    lapsed,
    lines_at,
    lines_by_reservation,
    lines_by_supply,
    overdue,
    owners_of,
    position_page,
    positions_by_id,
    reservation_lines_of,
    reservations_by_id,
    supplies_by_id,
    supplies_by_reference,
)
from oms_api.inventory.queries.rule import (
    capped_by_rule,
    caps,
    counted,
    kept_by_rule,
    rule_page,
    rules_by_handle,
    rules_by_id,
    scope_of,
)

__all__ = [
    "COMING", "HELD", "LAPSED_BATCH_MAX", "LAPSING", "OVERDUE_BATCH_MAX", "Beside", "Due", "Incoming", "Known",
    "Memory", "OfSku", "Owed", "Stock", "beside", "brought", "capped_by_rule", "caps", "counted", "counts_by_id",
    "dated", "kept_by_rule", "known_skus", "known_stock", "lapsed", "lines_at", "lines_by_reservation",
    "lines_by_supply", "overdue", "owners_of", "position_page", "positions_by_id", "reservation_lines_of",
    "reservations_by_id", "rule_page", "rules_by_handle", "rules_by_id", "scope_of", "stock", "supplies_by_id",
    "supplies_by_reference",
]  # fmt: skip
