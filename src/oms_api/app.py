"""The ASGI application: GraphQL, health, metrics, explorer, provider callbacks."""

import asyncio
import contextlib
import gc
import time
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import structlog
from graphql import GraphQLError
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from oms_api import access, explorer, webhooks
from oms_api.config import Settings
from oms_api.domains import parts
from oms_api.kit.caller import Caller
from oms_api.kit.db import Database, NotMigrated
from oms_api.kit.errors import Overloaded
from oms_api.kit.graphql.context import Context
from oms_api.kit.graphql.errors_page import explained
from oms_api.kit.graphql.execution import Engine, RequestError
from oms_api.kit.graphql.http import endpoint, overloaded
from oms_api.kit.graphql.types import configure_errors_page
from oms_api.kit.ids import NOBODY
from oms_api.kit.secrets import hashed
from oms_api.schema import build

log = structlog.get_logger()

CREDENTIAL_TTL_S = 5.0  # how long a revoked key may go on
CREDENTIALS_CACHED_MAX = 10_000


class Bucket:
    """A leaky bucket a client: `limit` points, refilled by `restore` a second; an operation takes its cost."""

    def __init__(self, limit: int, restore: int) -> None:
        self.limit, self.restore = limit, restore
        self._left: dict[str, tuple[float, float]] = {}

    def left(self, client: str) -> float:
        points, at = self._left.get(client, (float(self.limit), time.monotonic()))
        return min(float(self.limit), points + (time.monotonic() - at) * self.restore)

    def take(self, client: str, points: int) -> None:
        if len(self._left) > CREDENTIALS_CACHED_MAX:
            self._left.clear()
        self._left[client] = (self.left(client) - points, time.monotonic())


class Credentials:
    """Known keys, remembered for CREDENTIAL_TTL_S so that most requests need no look-up."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, tuple[float, Caller | None]] = {}

    async def caller(self, authorization: str) -> Caller | None:
        """The caller of a request; None without a key. Raises RequestError for a key that is not valid."""
        if not authorization:
            return None
        scheme, _, key = authorization.partition(" ")
        caller = None
        if scheme.lower() == "bearer":
            digest = hashed(key.strip())
            until, caller = self._known.get(digest, (0.0, None))
            if until < time.monotonic():
                caller = await access.credential(self._db, key.strip())
                if len(self._known) >= CREDENTIALS_CACHED_MAX:
                    self._known.clear()
                self._known[digest] = (time.monotonic() + CREDENTIAL_TTL_S, caller)
        if caller is None:
            raise RequestError(
                "UNAUTHENTICATED",
                [GraphQLError("This API key is unknown or revoked; send `Authorization: Bearer oms_…`.")],
                status=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        return caller


class Metrics:
    """What `/metrics` tells, of this process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter("oms_http_requests", "HTTP requests", ["path", "status"], registry=self.registry)
        self.seconds = Histogram("oms_http_seconds", "Seconds a request", ["path"], registry=self.registry)


def create_app(
    settings: Settings,
    db: Database,
    *,
    services: Mapping[str, Any] | None = None,
    lifespan: Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]] | None = None,
) -> Starlette:
    """The application over one database; `services` are handed to resolvers and callbacks."""
    webhooks.configure(allow_loopback=settings.webhook_allow_loopback)
    engine = Engine(build()._schema)
    configure_errors_page(f"{settings.public_url.rstrip('/')}/errors")
    credentials = Credentials(db)
    bucket = Bucket(settings.rate_limit_points, settings.rate_restore_points_per_s)
    metrics = Metrics()
    places = asyncio.Semaphore(settings.requests_at_once_max)
    known_services = dict(services or {})
    known_services["engine"] = engine

    async def context_of(request: Request, request_id: str) -> Context:
        caller = await credentials.caller(request.headers.get("authorization", ""))
        rate = (bucket.limit, bucket.limit, bucket.restore)
        if caller is not None:
            client = caller.client_id or ""
            left = bucket.left(client)
            if left < 1:
                raise RequestError(
                    "THROTTLED",
                    [GraphQLError("This client used up its points; wait and send less at once.")],
                    status=429,
                    headers={"Retry-After": "1"},
                )
            rate = (bucket.limit, int(left), bucket.restore)
            caller = caller.for_request(request_id)
        return Context(db, caller, request_id, known_services, rate=rate)

    graphql = endpoint(engine, context_of, charge=bucket.take)

    async def guarded(request: Request) -> Response:
        if places.locked():
            return overloaded(request)
        async with places:
            started = time.perf_counter()
            response = await graphql(request)
            metrics.requests.labels("/graphql", response.status_code).inc()
            metrics.seconds.labels("/graphql").observe(time.perf_counter() - started)
            return response

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def readyz(_: Request) -> Response:
        try:
            async with db.reading(NOBODY) as reading:
                await reading.text("SELECT 1 FROM event_logs LIMIT 1")
        except Overloaded as error:
            log.warning("not ready: the database is away", error=str(error))
            return JSONResponse({"status": "database away"}, 503, {"Retry-After": "1"})
        except NotMigrated as error:
            log.warning("not ready: the database is not migrated", error=str(error))
            return JSONResponse({"status": "not migrated", "mend": "oms migrate"}, 503)
        except Exception as error:
            log.error("bug", path="/readyz", exc_info=error)
            return JSONResponse({"status": "broken"}, 503)
        return JSONResponse({"status": "ok"})

    async def errors_page(_: Request) -> Response:
        return Response(explained(), media_type="text/html")

    async def shown_metrics(_: Request) -> Response:
        return Response(generate_latest(metrics.registry), media_type="text/plain; version=0.0.4")

    callbacks = [route for module in parts("callbacks") for route in module.routes(db)]
    app = Starlette(
        routes=[
            Route("/graphql", guarded, methods=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", shown_metrics),
            Route("/errors", errors_page),
            *explorer.routes(),
            *callbacks,
        ],
        lifespan=_settled(lifespan or _closing(db)),
    )
    app.state.engine = engine
    return app


def _settled(
    lifespan: Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]],
) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def settled(app: Starlette) -> AsyncIterator[None]:
        async with lifespan(app):
            settle()
            yield

    return settled


def settle() -> None:
    """Take what was built at start (modules, schema, mappers: 180,000 objects) out of the garbage collector's rounds:
    each full one looked at all of it and stopped every request, and every job, for 150 to 300 ms."""
    gc.collect()
    gc.freeze()


def _closing(db: Database) -> Callable[[Starlette], contextlib.AbstractAsyncContextManager[None]]:
    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await db.close()

    return lifespan
