"""The verb of the catalog: `put`, what is wrong with its input (`check`), and kits that hold kits (`kits`)."""

from oms_api.catalog.service.put import put

__all__ = ["put"]
