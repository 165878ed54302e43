"""Headless, API-first order management: orders, availability, promising and returns behind one GraphQL API."""

from importlib.metadata import version

__version__ = version("oms-api")
