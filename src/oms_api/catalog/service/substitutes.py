"""What may stand in for a SKU."""

from collections.abc import Mapping, Sequence

from sqlalchemy import delete

from oms_api.catalog import queries
from oms_api.catalog.models import SkuSubstitute
from oms_api.catalog.queries import Substitution
from oms_api.kit.db import Tx, any_of, mine, prepared, table_of

_FORGET = prepared(delete(table_of(SkuSubstitute)).where(mine(SkuSubstitute), any_of(SkuSubstitute.sku, "skus")))


async def put_substitutes(tx: Tx, wanted: Mapping[str, Sequence[Substitution]]) -> set[str]:
    """Let these, best first, stand in for each SKU, and no others; the SKUs for which that is a change.

    The SKUs are locked. At most three statements, none when nothing is wanted.
    """
    if not wanted:
        return set()
    before = await queries.substitutes_of(tx, list(wanted))
    changed = sorted(code for code, sent in wanted.items() if list(sent) != before.get(code, []))
    if not changed:
        return set()
    await tx.run(_FORGET, {"skus": changed})
    await tx.insert(
        SkuSubstitute,
        [
            {
                "tenant_id": tx.tenant_id,
                "sku": code,
                "substitute": one.sku,
                "position": position,
                "ratio_millionths": int(one.ratio * queries.MILLION),
                "needs_consent": one.needs_consent,
            }
            for code in changed
            for position, one in enumerate(wanted[code])
        ],
    )
    return set(changed)
