"""The API over HTTP, with the standard library alone."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable
from typing import Any

Answer = dict[str, Any]
Send = Callable[[str, dict[str, Any]], Awaitable[Answer]]
"""(document, variables) → the answer's body: data, errors, extensions."""

ATTEMPTS_MAX = 6
TIMEOUT_S = 30.0
WAIT_MAX_S = 30.0


class Unreachable(Exception):
    """The API cannot be asked at all: wrong address, wrong key, or away for longer than the retries wait."""


def over_http(url: str, key: str) -> Send:
    """A `Send` that waits and asks again when the API is busy. A repeat is safe: `externalId` names the order."""

    async def send(document: str, variables: dict[str, Any]) -> Answer:
        body = json.dumps({"query": document, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{url.rstrip('/')}/graphql",
            body,
            {"Content-Type": "application/json", "Authorization": f"Bearer {key}"},
        )
        wait_s, problem = 0.5, ""
        for _ in range(ATTEMPTS_MAX):
            status, answer, told_s, problem = await asyncio.to_thread(_once, request)
            if status not in (0, 429, 502, 503, 504):
                return answer
            await asyncio.sleep(min(told_s or wait_s, WAIT_MAX_S))
            wait_s *= 2
        raise Unreachable(f"{url} did not answer: {problem}")

    return send


def _once(request: urllib.request.Request) -> tuple[int, Answer, float | None, str]:
    """Status (0: no answer), body, seconds to wait when the server says so, the problem in words."""
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:
            return _read(response.status, response.read(), None)
    except urllib.error.HTTPError as error:
        return _read(error.code, error.read(), error.headers.get("Retry-After"))
    except (OSError, TimeoutError) as error:
        return 0, {}, None, str(error)


def _read(status: int, body: bytes, retry_after: str | None) -> tuple[int, Answer, float | None, str]:
    try:
        answer = json.loads(body)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        text = f"status {status}, which is not GraphQL"
        answer = {"errors": [{"message": text, "extensions": {"code": "UNREADABLE"}}]}
    wait_s = float(retry_after) if retry_after and retry_after.isdigit() else None
    return status, answer, wait_s, f"status {status}"
