"""A small GraphQL client over real HTTP, for the demo and the seed."""

import asyncio
import time
from typing import Any

import httpx2


class Failed(Exception):
    """A step that did not do what it should: the answer says why."""


class Client:
    """`await client(document, variables)` gives the value of the only root field; userErrors are failures."""

    def __init__(self, url: str, key: str) -> None:
        self._http = httpx2.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=15)

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def __call__(self, document: str, **variables: Any) -> Any:
        return self._value(await self._http.post("/graphql", json={"query": document, "variables": variables}))

    def _value(self, response: httpx2.Response) -> Any:
        body = response.json()
        if body.get("errors"):
            raise Failed("; ".join(error["message"] for error in body["errors"]))
        ((name, value),) = body["data"].items()
        if isinstance(value, dict) and value.get("userErrors"):
            problems = [
                f"{error['code']} at {'.'.join(error['path'])}: {error['message']}" for error in value["userErrors"]
            ]
            raise Failed(f"{name} refused: {'; '.join(problems)}")
        return value

    async def until(self, document: str, ready: Any, *, seconds: float = 10, **variables: Any) -> Any:
        """Ask again until `ready(value)`; what the workers do takes a moment."""
        until = time.monotonic() + seconds
        while True:
            value = await self(document, **variables)
            if ready(value):
                return value
            if time.monotonic() > until:
                break
            await asyncio.sleep(0.05)
        raise Failed(f"still not so after {seconds:g} s: {value}")
