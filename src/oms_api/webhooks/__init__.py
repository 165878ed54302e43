"""Webhooks: tells partners what happened, signed, until they have heard it. Hears every fact, calls no domain.

A subscription follows the tenant's log from its own position: PAUSED by the partner or FAILING (72 hours of failures,
or 410) it queues on and loses nothing. A delivery is PENDING, then DELIVERED, or RETRYING along the timetable until it
is DEAD, and can be replayed for 30 days. This domain refuses to know what a fact means.
"""

from oms_api.webhooks.sender import configure

__all__ = ["configure"]
