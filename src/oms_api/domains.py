"""The one list that says which domain stands on which, from the ground up.

A domain imports only lower layers, never a neighbour, and only through the front door (`from oms_api import orders`).
What an upper domain must learn from a lower one arrives as a fact. Tests hold the arrows (`tests/gates`).
"""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

LAYERS: tuple[tuple[str, ...], ...] = (
    # who, what, where
    ("access", "catalog", "network", "webhooks"),
    # the ledgers
    ("inventory", "payments"),
    # the mind: for whom and where from, then what can be promised
    ("allocation", "sourcing"),
    ("promising",),
    # the promise kept, and undone
    ("orders",),
    ("fulfillment",),
    ("returns",),
)

DOMAINS = tuple(domain for layer in LAYERS for domain in layer)


def parts(name: str) -> list[ModuleType]:
    """The module `name` (`graphql`, `models`, `jobs`…) of every domain that has one, from the ground up."""
    return [
        import_module(f"oms_api.{domain}.{name}")
        for domain in DOMAINS
        if find_spec(f"oms_api.{domain}") and find_spec(f"oms_api.{domain}.{name}")
    ]
