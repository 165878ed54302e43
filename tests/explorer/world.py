"""A small server to try the explorer on: the contract's schema with canned answers, behind one API key.

Two things of the contract are left out on purpose, as in a server that has not built them yet: `Query.inventory` and
`LocationAvailability.nextReceiptAt`. By hand: `PYTHONPATH=tests python -m explorer.world 8011`.
"""

import asyncio
import json
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvicorn
from graphql import (
    FieldDefinitionNode,
    GraphQLSchema,
    ObjectTypeDefinitionNode,
    build_ast_schema,
    graphql,
    parse,
    visit,
)
from graphql.language.visitor import REMOVE, Visitor
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from oms_api.explorer import routes

KEY = "oms_test_explorer"
HERE = Path(__file__).parent
CONTRACT = HERE.parent / "contract" / "contract.graphql"
NOT_BUILT = {("Query", "inventory"), ("LocationAvailability", "nextReceiptAt")}
BERLIN = {"handle": "berlin", "name": "Berlin warehouse"}
STOCK = {"TEE-BLACK-M": 12, "MUG-WHITE": 3}
DOCS = "https://example.com/errors/"


class _NotBuilt(Visitor):
    owner = ""

    def enter_object_type_definition(self, node: ObjectTypeDefinitionNode, *_: object) -> None:
        self.owner = node.name.value

    def enter_field_definition(self, node: FieldDefinitionNode, *_: object) -> Any:
        return REMOVE if (self.owner, node.name.value) in NOT_BUILT else None


def contract_schema() -> GraphQLSchema:
    return build_ast_schema(parse(CONTRACT.read_text()))


def world_schema() -> GraphQLSchema:
    schema = build_ast_schema(visit(parse(CONTRACT.read_text()), _NotBuilt()))
    for type_ in schema.type_map.values():
        if getattr(type_, "is_one_of", False):
            # once strawberry has built a schema in this process, introspection reads `isOneOf` from its definition
            type_.extensions["strawberry-definition"] = SimpleNamespace(is_one_of=True)
    return schema


def _refusal(code: str, message: str, *path: str) -> dict[str, Any]:
    return {"code": code, "message": message, "path": list(path), "retryable": False, "docUrl": DOCS + code}


class Answers:
    """The root value: one method a root field."""

    def viewer(self, _info: object) -> dict[str, Any]:
        return {
            "tenant": "demo",
            "clientId": "key_01m80scynhe1g926cqw3m59wd1",
            "scopes": ["*"],
            "test": True,
            "rateLimit": {"limit": 10_000, "remaining": 9_990, "restoreRate": 500},
            "serverVersion": "0.1.0",
        }

    def availability(self, _info: object, input: dict[str, Any]) -> dict[str, Any]:
        now = "2026-11-22T04:35:10.123456Z"
        known = [(index, sku, STOCK.get(sku)) for index, sku in enumerate(input["skus"])]
        return {
            "availability": [
                {
                    "sku": sku,
                    "channel": input["channel"],
                    "available": units,
                    "status": "IN_STOCK",
                    "schedule": [{"startsOn": "2026-11-22", "available": units}],
                    "locations": [{"location": BERLIN, "available": units}],
                    "asOf": now,
                }
                for _, sku, units in known
                if units is not None
            ],
            "userErrors": [
                _refusal("NOT_FOUND", f"SKU {sku!r} is unknown; create it with `skuPut`.", "input", "skus", str(index))
                for index, sku, units in known
                if units is None
            ],
        }

    def orderCreate(self, _info: object, input: dict[str, Any]) -> dict[str, Any]:
        line = input["lines"][0]
        message = f"{line['quantity']} of {line['sku']} asked for, 3 can be promised."
        return {
            "order": None,
            "userErrors": [_refusal("INSUFFICIENT_STOCK", message, "input", "lines", "0", "quantity")],
        }


def application() -> Starlette:
    schema = world_schema()

    async def endpoint(request: Request) -> Response:
        headers = {"x-request-id": "req_01m80scynhe1g926cqw3m59wd1"}
        if request.headers.get("authorization") != f"Bearer {KEY}":
            error = {"message": "This API key is unknown.", "extensions": {"code": "UNAUTHENTICATED"}}
            return JSONResponse({"errors": [error]}, 401, headers)
        body = json.loads(await request.body())
        if request.headers["accept"].startswith("text/event-stream"):
            return StreamingResponse(_events(), headers=headers, media_type="text/event-stream")
        result = await graphql(schema, body["query"], Answers(), variable_values=body.get("variables"))
        return JSONResponse(result.formatted, 200 if result.data is not None else 400, headers)

    async def _events() -> AsyncIterator[str]:
        for sequence in (1, 2, 3):
            event = {"topic": "order.created", "sequence": sequence}
            yield f"event: next\ndata: {json.dumps({'data': {'events': event}})}\n\n"
            await asyncio.sleep(0)
        yield "event: complete\ndata:\n\n"

    async def checks(request: Request) -> Response:
        return FileResponse(HERE / request.url.path.removeprefix("/"))

    async def visited(request: Request) -> Response:
        """A tab in which the key was typed before, now led to the explorer by somebody's link."""
        link = json.dumps("/explorer#" + request.query_params["fragment"])
        keep = f"sessionStorage.setItem('oms-explorer.key', {json.dumps(KEY)}); location.replace({link});"
        return HTMLResponse(f"<script>{keep}</script>")

    own = [
        Route("/graphql", endpoint, methods=["POST"]),
        Route("/checks.html", checks),
        Route("/checks.js", checks),
        Route("/visited", visited),
    ]
    return Starlette(routes=[*routes(), *own])


@contextmanager
def served(port: int = 0) -> Iterator[str]:
    """The server on a loopback port, in a thread: its address."""
    server = uvicorn.Server(uvicorn.Config(application(), host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        if time.monotonic() > deadline or not thread.is_alive():
            raise RuntimeError("the test server did not start within 10 s")
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)


if __name__ == "__main__":
    with served(int(sys.argv[1])) as address:
        print(f"{address}/explorer#key={KEY}", flush=True)
        threading.Event().wait()
