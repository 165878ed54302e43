"""SKUs and kits: only what ordering needs to know of what is sold.

A SKU is named by its code, everywhere and for good; upper domains refer to the code. PHYSICAL has stock, a KIT is made
of other SKUs which have it (a kit in a kit is worked out here: `items` names stocked SKUs only), DIGITAL and SERVICE
have none. This domain refuses to be a product catalogue: no texts,
pictures, categories.
"""

from oms_api.catalog.events import SkuCreated, SkuUpdated
from oms_api.catalog.models import SKU, Sku, SkuKind
from oms_api.catalog.queries import Item, Substitution, UnitCost, items, known_tags, skus_by_code, substitutes_of
from oms_api.catalog.service import put

__all__ = [
    "SKU", "Item", "Sku", "SkuCreated", "SkuKind", "SkuUpdated", "Substitution", "UnitCost", "items", "known_tags",
    "put", "skus_by_code", "substitutes_of",
]  # fmt: skip
