"""GraphQL over HTTP (the GraphQL-over-HTTP specification of the GraphQL Foundation), as one Starlette endpoint."""

import re
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
import structlog
from graphql import GraphQLError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from oms_api.kit.errors import Overloaded
from oms_api.kit.graphql.context import Context
from oms_api.kit.graphql.execution import MASKED, Engine, RequestError, refused
from oms_api.kit.ids import encode, new

log = structlog.get_logger()

BODY_BYTES_MAX = 256 * 1024
GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")


def request_id_of(request: Request) -> str:
    """The caller's own `X-Request-Id` when it is sane, else a fresh one."""
    given = request.headers.get("x-request-id", "")
    return given if _REQUEST_ID.fullmatch(given) else encode("req", new())


def _accepted(header: str) -> str | None:
    """The media type to answer with, or None when the caller takes neither. Legacy clients get application/json."""
    if not header:
        return JSON
    ranges = [part.split(";")[0].strip().lower() for part in header.split(",")]
    refused_types = {
        part.split(";")[0].strip().lower() for part in header.split(",") if re.search(r";\s*q=0(\.0*)?\s*(;|$)", part)
    }
    for name in ranges:
        if name in refused_types:
            continue
        if name in (GRAPHQL_JSON, JSON):
            return name
        if name in ("*/*", "application/*"):
            return JSON
    return None


def _bad(message: str, status: int = 400, code: str = "BAD_REQUEST") -> RequestError:
    return RequestError(code, [GraphQLError(message)], status=status)


async def _body(request: Request) -> bytes:
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > BODY_BYTES_MAX:
        raise _bad(f"The body is larger than {BODY_BYTES_MAX} bytes; send less at once.", 413, "BODY_TOO_LARGE")
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > BODY_BYTES_MAX:
            raise _bad(f"The body is larger than {BODY_BYTES_MAX} bytes; send less at once.", 413, "BODY_TOO_LARGE")
        chunks.append(chunk)
    return b"".join(chunks)


def _loads(data: bytes | str, what: str) -> Any:
    try:
        found = orjson.loads(data)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise _bad(f"The {what} is not JSON: {error}") from None
    # PostgreSQL's text cannot hold NUL; refused here once for every string of every domain
    escape: Any = b"\\u0000" if isinstance(data, bytes) else "\\u0000"
    if escape in data:
        raise _bad(f"The {what} holds the character NUL (\\u0000), which no text may; take it out.")
    return found


async def _parameters(request: Request) -> tuple[str, dict[str, Any] | None, str | None]:
    if request.method == "GET":
        given: Any = dict(request.query_params)
        for name in ("variables", "extensions"):
            if given.get(name):
                given[name] = _loads(given[name], f"parameter {name}")
        if not given.get("operationName"):
            given.pop("operationName", None)
    else:
        kind, _, rest = request.headers.get("content-type", "").partition(";")
        if kind.strip().lower() not in (JSON, ""):
            raise _bad(f"Content-Type {kind.strip()[:60]!r} is not supported; send application/json.", 415)
        charset = re.search(r"charset\s*=\s*\"?([\w-]+)", rest)
        if not kind.strip():
            raise _bad("Content-Type is missing; send application/json.", 415)
        if charset and charset.group(1).lower() not in ("utf-8", "utf8"):
            raise _bad(f"Charset {charset.group(1)!r} is not supported; send UTF-8.", 415)
        given = _loads(await _body(request), "body")
    if not isinstance(given, dict):
        raise _bad("The body must be a JSON object with `query`; batches are not supported.")
    text, variables, operation = given.get("query"), given.get("variables"), given.get("operationName")
    if not isinstance(text, str) or not text:
        raise _bad("`query` is missing or not a string.")
    if variables is not None and not isinstance(variables, dict):
        raise _bad("`variables` must be an object.")
    if operation is not None and not isinstance(operation, str):
        raise _bad("`operationName` must be a string.")
    if given.get("extensions") is not None and not isinstance(given["extensions"], dict):
        raise _bad("`extensions` must be an object.")
    return text, variables, operation


def overloaded(request: Request) -> Response:
    """The answer of a process that has too much to do already."""
    error = RequestError("OVERLOADED", [GraphQLError("This replica has too much to do; try again in a moment.")])
    request_id = request_id_of(request)
    return Response(
        orjson.dumps(refused(error, request_id, {})),
        503,
        {"Retry-After": "1", "X-Request-Id": request_id, "Cache-Control": "no-store"},
        media_type=f"{_accepted(request.headers.get('accept', '')) or JSON}; charset=utf-8",
    )


def endpoint(
    engine: Engine,
    context_of: Callable[[Request, str], Awaitable[Context]],
    charge: Callable[[str, int], None] = lambda client, points: None,
) -> Callable[[Request], Awaitable[Response]]:
    """The `/graphql` endpoint. `context_of` authenticates; it may raise RequestError."""

    async def handle(request: Request) -> Response:
        request_id = request_id_of(request)
        headers = {"X-Request-Id": request_id, "Cache-Control": "no-store"}
        media: str | None = _accepted(request.headers.get("accept", ""))
        extensions: dict[str, Any] = {}
        status = 200
        try:
            if media is None:
                media = GRAPHQL_JSON
                raise _bad(f"Accept must allow {GRAPHQL_JSON} or {JSON}.", 406)
            if request.method not in ("GET", "POST"):
                raise RequestError(
                    "BAD_REQUEST",
                    [GraphQLError("Use POST, or GET for queries.")],
                    status=405,
                    headers={"Allow": "GET, POST"},
                )
            text, variables, name = await _parameters(request)
            context = await context_of(request, request_id)
            extensions = context.extensions
            answer = await engine.run(context, text, variables, name, query_only=request.method == "GET")
            body, status = answer.body, answer.status
            if context.caller is not None:
                charge(context.caller.client_id or "", extensions["cost"]["requested"])
            if answer.retry_after_s is not None:
                headers["Retry-After"] = str(answer.retry_after_s)
        except RequestError as error:
            body = refused(error, request_id, extensions)
            status = error.status
            headers |= error.headers
            # https://graphql.github.io/graphql-over-http: application/json answers a well-formed request with 200
            if media == JSON and error.code in ("PARSE_FAILED", "VALIDATION_FAILED", "COST_EXCEEDED") and status == 400:
                status = 200
        except Overloaded as error:
            body = refused(
                RequestError("OVERLOADED", [GraphQLError("The service is overloaded or its database is away.")]),
                request_id,
                {},
            )
            status = 503
            headers["Retry-After"] = str(error.retry_after_s)
        except ClientDisconnect:
            return Response(status_code=499)
        except Exception as error:
            log.error("bug", request_id=request_id, exc_info=error)
            body = refused(RequestError("INTERNAL", [GraphQLError(MASKED)]), request_id, {})
            status = 500
        return Response(orjson.dumps(body), status, headers, media_type=f"{media}; charset=utf-8")

    return handle
