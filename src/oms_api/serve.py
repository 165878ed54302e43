"""`oms serve`: the API role over a database and Redis that others run; stateless, so replicas are free."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from typing import Any

import structlog
import uvicorn
from starlette.applications import Starlette

from oms_api import access, log, migrate, payments
from oms_api.app import create_app, settle
from oms_api.config import Settings
from oms_api.kit import secrets, travel
from oms_api.kit.caller import system
from oms_api.kit.db import Database
from oms_api.kit.ids import NOBODY
from oms_api.kit.tasks import beside
from oms_api.worker import Worker

logger = structlog.get_logger()

SECRET_LENGTH_MIN = 32


class Server(uvicorn.Server):
    """uvicorn without its signal handling: SIGTERM ends the program with 0, not by the signal."""

    finished: "asyncio.Task[None] | None" = None

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def ready(self, serving: "asyncio.Task[None]") -> None:
        """Returns when connections are accepted; raises what stopped it."""
        while not self.started:
            if serving.done():
                await serving
                raise SystemExit("the server stopped before it was ready")
            await asyncio.sleep(0.005)


def stop_on_signals(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT ask for an orderly end."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


async def until_stopped(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Do the work, unless somebody asks to stop first."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not working.done():
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        return
    await working


def checked(settings: Settings) -> Settings:
    """Refuse what is unsafe or missing outside of `oms dev`, each with what to do."""
    problems = []
    if not settings.database_url:
        problems.append("OMS_DATABASE_URL is missing: set it to postgresql+asyncpg://user:password@host/database.")
    if not settings.secret_keys:
        problems.append("OMS_SECRET_KEYS is missing: set it to at least 32 random characters (openssl rand -hex 32).")
    elif any(len(key) < SECRET_LENGTH_MIN for key in settings.plain_secret_keys()):
        problems.append("A key of OMS_SECRET_KEYS is shorter than 32 characters: make another (openssl rand -hex 32).")
    if settings.webhook_allow_loopback and not settings.test_clock:
        problems.append("OMS_WEBHOOK_ALLOW_LOOPBACK=true is for `oms dev` and tests (OMS_TEST_CLOCK=true): unset it.")
    if settings.database_url.startswith("postgresql") and not settings.redis_url:
        problems.append("OMS_REDIS_URL is missing: workers and API need one Redis (redis://host:6379/0).")
    if settings.stripe_webhook_secret and settings.stripe_account() is None:
        problems.append("OMS_STRIPE_WEBHOOK_SECRET is set without OMS_STRIPE_SECRET_KEY: set both, or neither.")
    if problems:
        raise SystemExit("\n".join(problems))
    secrets.configure(settings.plain_secret_keys())
    log.configure(settings.log_level, settings.log_format)
    return settings


async def seeded(db: Database, settings: Settings) -> None:
    """Put the first tenant's Stripe account as the settings say; nothing without them, without a tenant, or when it is
    so already."""
    config = settings.stripe_account()
    if config is None or not settings.secret_keys:
        return
    async with db.reading(NOBODY) as reading:
        tenants = await access.all_tenants(reading)
    if not tenants:
        return
    account = await db.run(
        partial(payments.put_account, handle="stripe", provider="stripe", config=config), system(tenants[0].tenant_id)
    )
    logger.info(
        "payment account",
        tenant=tenants[0].handle,
        callbacks=f"{settings.public_url.rstrip('/')}/callbacks/stripe/{payments.ACCOUNT(account.id)}",
    )


def check_migrated(settings: Settings) -> None:
    """Raises SystemExit with a sentence when the database is not at this release's revision."""
    at, wanted = migrate.current(settings.database_url), migrate.head()
    if at != wanted:
        raise SystemExit(f"The database is at revision {at}, this release needs {wanted}: run `oms migrate`.")


def serve(host: str, port: int) -> None:
    """Serve until SIGTERM. Without Redis (SQLite) the workers run here too."""
    settings = checked(Settings())
    check_migrated(settings)

    async def main() -> None:
        db = Database(settings.database_url, pool_size=settings.database_pool_size)
        await seeded(db, settings)
        services = {"settings": settings}

        @contextlib.asynccontextmanager
        async def lifespan(app: Starlette) -> AsyncIterator[None]:
            bell = _bell(settings.redis_url)
            worker = None if bell else Worker(settings, {**services, "engine": app.state.engine})
            following = beside(travel.follow(db), "test clock") if settings.test_clock else None
            if worker:
                await asyncio.to_thread(worker.start)
            yield
            if following:
                following.cancel()
            if worker:
                await asyncio.to_thread(worker.stop)
            if bell:
                await bell.close()
            await db.close()

        app = create_app(settings, db, services=services, lifespan=lifespan)
        server = Server(
            uvicorn.Config(
                app, host=host, port=port, access_log=False, log_config=None, timeout_graceful_shutdown=10, backlog=2048
            )
        )
        stop = asyncio.Event()
        stop_on_signals(stop)
        serving = asyncio.create_task(server.serve())
        await asyncio.wait({serving, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if not serving.done():
            await server.ready(serving)  # what has not begun cannot be ended in order
        server.should_exit = True
        await serving

    _run(main())


def _bell(url: str) -> Any:
    if not url:
        return None
    from oms_api.bell import Bell

    return Bell(url)


def work() -> None:
    """Work until SIGTERM."""
    settings = checked(Settings())
    check_migrated(settings)

    async def main() -> None:
        from oms_api.kit.graphql.execution import Engine
        from oms_api.schema import build

        worker = Worker(settings, {"settings": settings, "engine": Engine(build()._schema)})
        stop = asyncio.Event()
        stop_on_signals(stop)
        await asyncio.to_thread(worker.start)
        settle()
        await stop.wait()
        await asyncio.to_thread(worker.stop)

    _run(main())


def _run(main: Coroutine[Any, Any, None]) -> None:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(main)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it exists (not on Windows)."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
