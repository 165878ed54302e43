"""Refusals of promising."""

from oms_api.kit.errors import NotFound, Path, Refusal


class NoSource(Refusal):
    """No location can serve the line under the constraints.

    Relax what the message names: another destination, other locations of the channel, more shipments, or pick-up.
    """


def no_way(channel: str, country: str | None, postal_code: str | None, path: Path) -> NoSource:
    """No carrier service goes to a destination from any location of a channel that sends parcels."""
    to = " ".join(part[:20] for part in (country, postal_code) if part) or "any destination"
    return NoSource(
        f"No carrier service goes to {to} from the locations of channel {channel}; give one a zone there with "
        "carrierServicePut, let a location offer it with locationServicesPut, or choose another destination.",
        path=path,
    )


def nobody_sends(channel: str, path: Path) -> NoSource:
    return NoSource(
        f"No active location of channel {channel} sends parcels; add one, or choose another way.", path=path
    )


def unknown_sku(sku: str, path: Path) -> NotFound:
    return NotFound(f"There is no SKU {sku[:60]!r}; create it with skuPut first.", path=path)
