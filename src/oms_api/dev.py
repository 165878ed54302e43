"""`oms dev`: everything in one process over one SQLite file, with nothing else to install."""

import asyncio
import contextlib
import json
import os
import secrets as random
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uvicorn
from pydantic import SecretStr
from starlette.applications import Starlette

from oms_api import access, migrate
from oms_api.app import create_app
from oms_api.config import Settings, sqlite_url
from oms_api.kit import secrets, travel
from oms_api.kit.caller import system
from oms_api.kit.db import Database
from oms_api.kit.ids import NOBODY
from oms_api.serve import Server, seeded
from oms_api.worker import Worker

TENANT = "demo"
PORTS_TRIED_MAX = 50


@dataclass
class Dev:
    """A running embedded deployment."""

    url: str
    api_key: str
    folder: Path
    server: Server
    worker: Worker
    db: Database


def settings_for(folder: Path) -> Settings:
    """Settings of an embedded deployment: the environment's where it speaks, else the folder's."""
    folder.mkdir(parents=True, exist_ok=True)
    given = Settings()
    changes: dict[str, Any] = {"webhook_allow_loopback": True, "test_clock": True, "log_format": "console"}
    if "log_level" not in given.model_fields_set:
        changes["log_level"] = "warning"
    if not given.database_url:
        changes["database_url"] = sqlite_url(folder.resolve())
    if not given.secret_keys:
        changes["secret_keys"] = [SecretStr(_kept(folder / "secret.key", lambda: random.token_urlsafe(48)))]
    return given.model_copy(update=changes)


def _kept(path: Path, make: Callable[[], str]) -> str:
    """A secret of the folder, made once and readable by its owner alone."""
    if not path.exists():
        part = path.with_suffix(".part")
        part.touch(mode=0o600)
        part.write_text(make())
        part.rename(path)
    return path.read_text().strip()


def free_socket(port: int, say: Callable[[str], None]) -> socket.socket:
    """A listening socket on loopback at `port`, or at the next free one, said aloud."""
    for candidate in range(port, port + PORTS_TRIED_MAX) if port else (0,):
        made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(("127.0.0.1", candidate))
        except OSError:
            made.close()
            continue
        if candidate != port and port:
            say(f"Port {port} is taken, so this runs on port {candidate}.")
        made.listen(2048)
        return made
    raise SystemExit(f"No free port from {port} to {port + PORTS_TRIED_MAX - 1}; name another with --port.")


async def _api_key(db: Database, folder: Path) -> str:
    """The folder's key with every scope, made once."""
    path = folder / "api.key"
    if path.exists():
        key = path.read_text().strip()
        if await access.credential(db, key):
            return key
    async with db.transaction(system(NOBODY)) as tx:
        made = await access.create_key(tx, tenant=TENANT, scopes=["*"], name="oms dev")
    path.unlink(missing_ok=True)
    return _kept(path, lambda: made.key)


@contextlib.asynccontextmanager
async def running(
    folder: Path, *, port: int = 8000, say: Callable[[str], None] = lambda text: None
) -> AsyncIterator[Dev]:
    """Migrate, start workers and API; stop both at the end."""
    settings = settings_for(folder)
    await asyncio.to_thread(migrate.upgrade, settings.database_url)
    secrets.configure(settings.plain_secret_keys())
    sock = free_socket(port, say)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    settings = settings.model_copy(update={"public_url": url})
    db = Database(settings.database_url, pool_size=settings.database_pool_size)
    await travel.refresh(db)
    app: Starlette = create_app(settings, db, services={"settings": settings})
    services = {"settings": settings, "engine": app.state.engine}
    worker = Worker(settings, services)
    await asyncio.to_thread(worker.start)
    server = Server(uvicorn.Config(app, lifespan="on", access_log=False, log_config=None, timeout_graceful_shutdown=5))
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        await server.ready(serving)
        key = await _api_key(db, folder)
        await seeded(db, settings)
        state = folder / "dev.json"
        state.write_text(json.dumps({"url": url, "pid": os.getpid()}))
        dev = Dev(url, key, folder, server, worker, db)
        dev.server.finished = serving
        yield dev
        state.unlink(missing_ok=True)
    finally:
        server.should_exit = True
        await asyncio.gather(serving, return_exceptions=True)
        await asyncio.to_thread(worker.stop)
        sock.close()
