"""Decisions about webhooks: who hears what, when to try again, what is sent and signed. No I/O, no clock.

`addresses.py` decides where we send. Signatures, headers and secrets follow Standard Webhooks 1.0; the
timetable is that specification's example.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, get_origin

import orjson
from standardwebhooks import Webhook

# — topics —

_SEGMENT = r"[a-z][a-z0-9_]*"
_TOPIC = re.compile(rf"{_SEGMENT}(?:\.{_SEGMENT})+")
_PATTERN = re.compile(rf"\*|{_SEGMENT}(?:\.{_SEGMENT})*\.\*|{_TOPIC.pattern}")
MAX_TOPIC_CHARACTERS = 100


def topic_problem(pattern: str, known: Collection[str] | None = None) -> str | None:
    """What is wrong with a subscriber's topic and how to write it; None when it is good.

    `known`: every topic that can be emitted; given, a pattern that matches none of them is a problem (a typo
    would otherwise subscribe to silence).
    """
    shown = pattern if len(pattern) <= MAX_TOPIC_CHARACTERS else f"{pattern[:MAX_TOPIC_CHARACTERS]}…"
    if len(pattern) > MAX_TOPIC_CHARACTERS or not _PATTERN.fullmatch(pattern):
        return f"'{shown}' is not a topic: write one (order.confirmed), all of a kind (order.*) or * for all."
    if known is not None and not any(matches((pattern,), topic) for topic in known):
        return f"No event has the topic '{shown}': choose from {', '.join(sorted(known))}."
    return None


def matches(patterns: Iterable[str], topic: str) -> bool:
    """Whether one of the valid `patterns` covers `topic`: `*` all, `order.*` all under `order.`, or equal."""
    return any(
        pattern == "*" or pattern == topic or (pattern.endswith(".*") and topic.startswith(pattern[:-1]))
        for pattern in patterns
    )


# — the timetable —

RETRY_DELAYS_S = (
    0,
    5,
    5 * 60,
    30 * 60,
    2 * 3600,
    5 * 3600,
    10 * 3600,
    14 * 3600,
    20 * 3600,
    24 * 3600,
)
"""Seconds from one attempt's failure to the next attempt; the first is immediate. 10 attempts over 75.6 h."""
MAX_ATTEMPTS = len(RETRY_DELAYS_S)
JITTER = 0.1
MAX_RETRY_AFTER_S = 24 * 3600
"""The longest that a receiver's `Retry-After` may put us off: the timetable's own longest step."""
FAILING_AFTER = timedelta(hours=72)


class Outcome(StrEnum):
    """What one attempt makes of its delivery."""

    DELIVERED = "DELIVERED"
    RETRYING = "RETRYING"
    DEAD = "DEAD"
    """The last attempt failed: kept, can be replayed."""
    GONE = "GONE"
    """410: the receiver wants no more. The delivery is dead and the subscription FAILING at once."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`delay_s`: seconds until the next attempt; only with RETRYING."""

    outcome: Outcome
    delay_s: float | None = None


def judge(status: int | None, *, attempts_made: int, random: float, retry_after_s: float | None = None) -> Verdict:
    """What follows from an attempt.

    `status`: the HTTP status, None when none came. Only 2xx is success; 3xx is a failure, never followed.
    `attempts_made`: with this one, from 1. `random`: uniform in [0, 1), spreads retries by ±10 %.
    `retry_after_s`: what the receiver asked for; never sooner than the timetable, at most 24 h, then jittered
    upwards: deliveries put off together must not come back together.
    """
    if attempts_made < 1 or not 0.0 <= random < 1.0:
        raise ValueError(f"attempts_made counts from 1 and random lies in [0, 1): got {attempts_made}, {random}")
    if status is not None and 200 <= status < 300:
        return Verdict(Outcome.DELIVERED)
    if status == 410:
        return Verdict(Outcome.GONE)
    if attempts_made >= MAX_ATTEMPTS:
        return Verdict(Outcome.DEAD)
    delay_s = RETRY_DELAYS_S[attempts_made] * (1 - JITTER + 2 * JITTER * random)
    if retry_after_s is not None:
        delay_s = max(delay_s, min(retry_after_s, MAX_RETRY_AFTER_S) * (1 + JITTER * random))
    return Verdict(Outcome.RETRYING, delay_s)


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Seconds that a `Retry-After` header asks for (RFC 9110 §10.2.3: seconds or HTTP-date), 0 to 24 h.

    None when the header is absent or says neither. `now`: aware.
    """
    text = (header or "").strip()
    if re.fullmatch(r"[0-9]+", text):
        # int() refuses more than 4,300 digits; more than 9 are over the cap anyway.
        return float(min(int(text[:10]) if len(text) <= 9 else MAX_RETRY_AFTER_S, MAX_RETRY_AFTER_S))
    if not text or len(text) > 64:
        return None
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, TypeError, OverflowError):
        return None
    # An HTTP-date is always UTC; the parser leaves the zone out for asctime dates.
    at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
    return min(max((at - now).total_seconds(), 0.0), float(MAX_RETRY_AFTER_S))


def failing_since(previous: datetime | None, *, succeeded: bool, at: datetime) -> datetime | None:
    """Start of the unbroken row of failures after an attempt at `at`; None when that one succeeded."""
    if succeeded:
        return None
    return at if previous is None else previous


def is_failing(since: datetime | None, now: datetime) -> bool:
    """Whether the subscription turns FAILING: only failures for 72 h. Its events queue, none is lost."""
    return since is not None and now - since >= FAILING_AFTER


# — secrets and signatures —

_SECRET_PREFIX = "whsec_"
SECRET_BYTES = range(24, 65)


def secret_from(key: bytes) -> str:
    """`whsec_<base64>` of 24 to 64 random bytes."""
    if len(key) not in SECRET_BYTES:
        raise ValueError(f"A webhook secret has 24 to 64 bytes, not {len(key)}")
    return _SECRET_PREFIX + base64.b64encode(key).decode("ascii")


def secret_key(secret: str) -> bytes:
    """The bytes of a secret. `ValueError`, without the secret, unless `whsec_<base64 of 24–64 bytes>`."""
    if not secret.startswith(_SECRET_PREFIX):
        raise ValueError("A webhook secret starts with whsec_")
    try:
        key = base64.b64decode(secret.removeprefix(_SECRET_PREFIX).encode("utf-8"), validate=True)
    except binascii.Error as error:
        raise ValueError("A webhook secret is base64 after whsec_") from error
    if len(key) not in SECRET_BYTES:
        raise ValueError(f"A webhook secret has 24 to 64 bytes, not {len(key)}")
    return key


def sign(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> str:
    """`webhook-signature`: one `v1,…` for each of `secrets` (newest first), separated by spaces.

    `timestamp`: seconds since 1970 of this attempt, as in `webhook-timestamp`. Several secrets: the overlap
    of a rotation, when a receiver may still hold the old one.
    """
    if not secrets:
        raise ValueError("A webhook is never sent unsigned: at least one secret")
    if not message_id or "." in message_id:
        raise ValueError("A webhook-id is not empty and has no full stop: the signed text is split at those")
    at, text = datetime.fromtimestamp(timestamp, tz=UTC), body.decode("utf-8")
    return " ".join(Webhook(secret_key(secret)).sign(message_id, at, text) for secret in secrets)


def headers(
    message_id: str, timestamp: int, body: bytes, secrets: Sequence[str], *, replay: bool = False
) -> dict[str, str]:
    """Every header of one attempt that does not depend on the address. A replay keeps its `webhook-id`."""
    named = {
        "content-type": "application/json",
        "user-agent": "oms-api",
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(message_id, timestamp, body, secrets),
    }
    return named | {"oms-replay": "true"} if replay else named


# — the body —

MAX_BODY_BYTES = 256 * 1024


class BodyTooLarge(ValueError):
    """The body is over 256 KiB. `size`: bytes it would have."""

    def __init__(self, size: int) -> None:
        super().__init__(f"The body has {size} bytes, at most {MAX_BODY_BYTES} are sent: select less in the query.")
        self.size = size


def payload(
    topic: str, occurred_at: datetime, data: Mapping[str, Any], query_result: Mapping[str, Any] | None
) -> bytes:
    """The body: `type`, `timestamp` (RFC 3339 UTC, microseconds), `data`; `query` when there is a document.

    `query_result`: what executing the subscriber's document gave, None without one. `occurred_at`: aware.
    `BodyTooLarge` over 256 KiB.
    """
    if occurred_at.tzinfo is None:
        raise ValueError("occurred_at needs a time zone")
    timestamp = occurred_at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    content: dict[str, Any] = {"type": topic, "timestamp": timestamp, "data": data}
    if query_result is not None:
        content["query"] = query_result
    body = orjson.dumps(content)
    if len(body) > MAX_BODY_BYTES:
        raise BodyTooLarge(len(body))
    return body


def content(
    facts: Mapping[str, Any],
    *,
    event_id: str,
    subject_id: str,
    sequence: int,
    cursor: str,
    changes: Mapping[str, Sequence[str]],
) -> dict[str, Any]:
    """`data` of the body: what names the event, then its facts. A fact cannot take the place of the former."""
    named = {"eventId": event_id, "subjectId": subject_id, "sequence": sequence, "cursor": cursor, "changes": changes}
    return named | {name: value for name, value in facts.items() if name not in named}


_MADE_UP: Mapping[type, Any] = {str: "example", int: 1, bool: False, float: 1.0, list: [], tuple: [], dict: {}}


def made_up(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Facts to show before there are any. `fields`: name as in the body → its Python type; what may be null is."""
    return {name: _MADE_UP.get(get_origin(type_) or type_) for name, type_ in fields.items()}
