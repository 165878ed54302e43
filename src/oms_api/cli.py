"""`oms`: develop, serve, work, migrate, look after."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table

T = TypeVar("T")

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)
keys = typer.Typer(no_args_is_help=True, help="API keys.")
seed = typer.Typer(no_args_is_help=True, help="Example data.")
clock = typer.Typer(no_args_is_help=True, help="The test clock.")
app.add_typer(keys, name="keys")
app.add_typer(seed, name="seed")
app.add_typer(clock, name="clock")

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

DATA_DIR = Path(".oms")
DataDir = Annotated[Path | None, typer.Option(help="Folder of an embedded deployment; .oms when nothing else is set.")]
AsJson = Annotated[bool, typer.Option("--json", help="One line of JSON instead of words.")]


def _run(work: Awaitable[T]) -> T:
    from oms_api.serve import loop_factory

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(work)  # type: ignore[arg-type]


def _end_on_sigterm() -> None:
    """Also while a server still imports what it needs, SIGTERM is its orderly end."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


def _settings(data_dir: Path | None) -> Any:
    """The settings of `--data-dir`, of the environment, or of `.oms`, in this order."""
    from oms_api.config import Settings
    from oms_api.dev import settings_for

    given = Settings()
    if data_dir is None and given.database_url:
        return given
    return settings_for(data_dir or DATA_DIR)


def _with_db(data_dir: Path | None, work: Callable[[Any, Any], Awaitable[T]]) -> T:
    from oms_api.kit import secrets
    from oms_api.kit.db import Database
    from oms_api.kit.errors import Overloaded, Refusal

    settings = _settings(data_dir)
    secrets.configure(settings.plain_secret_keys())

    async def main() -> T:
        db = Database(settings.database_url, pool_size=4)
        try:
            return await work(db, settings)
        finally:
            await db.close()

    try:
        return _run(main())
    except (Refusal, Overloaded) as error:
        err.print(str(error), style="red")
        raise typer.Exit(1) from None
    except Exception:
        from oms_api import serve

        serve.check_migrated(settings)
        raise


@app.command()
def dev(
    port: Annotated[int, typer.Option(help="Port on loopback; the next free one when it is taken.")] = 8000,
    data_dir: Annotated[Path, typer.Option(help="Where the database and keys are kept.")] = DATA_DIR,
    no_seed: Annotated[bool, typer.Option("--no-seed", help="Start with an empty tenant.")] = False,
    as_json: AsJson = False,
) -> None:
    """Run API and workers in this process over an SQLite file."""
    _end_on_sigterm()
    from oms_api import dev as embedded
    from oms_api import log
    from oms_api.serve import stop_on_signals, until_stopped

    log.configure(os.environ.get("OMS_LOG_LEVEL", "warning"), "console")

    async def main() -> None:
        stop = asyncio.Event()
        stop_on_signals(stop)
        async with embedded.running(data_dir, port=port, say=err.print) as running:
            if not no_seed:
                await until_stopped(_seeded(running.url, running.api_key), stop)
            if as_json:
                print(json.dumps({"url": running.url, "apiKey": running.api_key, "pid": os.getpid()}), flush=True)
            else:
                out.print(f"GraphQL   {running.url}/graphql")
                out.print(f"Explorer  {running.url}/explorer#key={running.api_key}")
                out.print(f"API key   {running.api_key}")
            assert running.server.finished is not None
            await asyncio.wait(
                {running.server.finished, asyncio.create_task(stop.wait())}, return_when=asyncio.FIRST_COMPLETED
            )

    _run(main())


@app.command()
def serve(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 8000,
) -> None:
    """Serve the API (stateless; run as many as you like)."""
    _end_on_sigterm()
    from oms_api.serve import serve as run

    run(host, port)


@app.command()
def work() -> None:
    """Run jobs and timers (run as many as you like)."""
    _end_on_sigterm()
    from oms_api.serve import work as run

    run()


@app.command()
def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to this release's schema."""
    from oms_api import migrate as migrations

    settings = _settings(data_dir)
    migrations.upgrade(settings.database_url)
    out.print(f"The database is at revision {migrations.current(settings.database_url)}.")


@app.command()
def schema() -> None:
    """Print the GraphQL schema (SDL)."""
    from oms_api.schema import sdl

    print(sdl(), end="")


@app.command()
def demo(
    once: Annotated[bool, typer.Option("--once", help="Exit after the walk; non-zero when a step failed.")] = False,
    port: Annotated[int, typer.Option(help="Port on loopback; the next free one when it is taken.")] = 8000,
    data_dir: Annotated[Path, typer.Option(help="Where the database and keys are kept.")] = DATA_DIR,
) -> None:
    """Watch one order travel from "is it available?" to "money back"."""
    _end_on_sigterm()
    from oms_api import demo as walk

    raise typer.Exit(_run(walk.main(data_dir, port=port, once=once)))


@keys.command("create")
def keys_create(
    tenant: Annotated[str, typer.Option(help="Tenant handle; made when it is new.")],
    scopes: Annotated[str, typer.Option(help="Comma-separated: orders:read,orders:write; * for all.")],
    name: Annotated[str, typer.Option(help="What the key is for.")] = "",
    live: Annotated[bool, typer.Option("--live", help="For the live side of the account.")] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make a key; it is shown once."""
    from oms_api import access
    from oms_api.kit.caller import system
    from oms_api.kit.ids import NOBODY
    from oms_api.serve import seeded

    async def make(db: Any, settings: Any) -> Any:
        wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]

        async def verb(tx: Any) -> Any:
            return await access.create_key(tx, tenant=tenant, scopes=wanted, name=name, test=not live)

        made = await db.run(verb, system(NOBODY))
        await seeded(db, settings)  # it may have been the first tenant
        return made

    made = _with_db(data_dir, make)
    if as_json:
        print(json.dumps({"id": made.id, "key": made.key, "tenant": made.tenant, "scopes": made.scopes}))
    else:
        out.print(f"{made.key}\n  id {made.id}, tenant {made.tenant}, scopes {', '.join(made.scopes)}")
        err.print("Keep it: it is not shown again.")


@keys.command("revoke")
def keys_revoke(key_id: str, data_dir: DataDir = None) -> None:
    """Stop a key for good (within seconds, everywhere)."""
    from oms_api import access
    from oms_api.kit.caller import system
    from oms_api.kit.ids import NOBODY

    async def revoke(db: Any, _: Any) -> None:
        async def verb(tx: Any) -> None:
            await access.revoke_key(tx, key_id)

        await db.run(verb, system(NOBODY))

    _with_db(data_dir, revoke)
    out.print(f"{key_id} is revoked.")


async def _seeded(url: str, key: str) -> None:
    from oms_api import seed as world
    from oms_api.client import Client

    async with Client(url, key) as client:
        await world.demo(client)


@seed.command("demo")
def seed_demo(
    url: Annotated[str, typer.Option(help="Address of a running deployment; the data folder's when absent.")] = "",
    key: Annotated[str, typer.Option(help="API key; the data folder's when absent.")] = "",
    data_dir: DataDir = None,
) -> None:
    """Put the small deterministic demo world into a running deployment, by its API."""
    folder = data_dir or DATA_DIR
    if not url:
        state = folder / "dev.json"
        if not state.exists():
            err.print(f"Nothing runs on {folder}: start `oms dev`, or name --url and --key.")
            raise typer.Exit(1)
        url = json.loads(state.read_text())["url"]
    _run(_seeded(url, key or (folder / "api.key").read_text().strip()))
    out.print(f"The demo world is in {url}.")


@clock.command("advance")
def clock_advance(seconds: int, data_dir: DataDir = None) -> None:
    """Move a test deployment's clock on, so that timers, expiries and retries can be watched."""
    from oms_api.kit import travel

    async def move(db: Any, settings: Any) -> int:
        if not settings.test_clock:
            err.print("Time moves only under `oms dev`, or with OMS_TEST_CLOCK=true on every process.")
            raise typer.Exit(1)
        offset = await travel.advance(db, seconds)
        await asyncio.sleep(2 * travel.FOLLOW_EVERY_S)
        return offset

    out.print(f"The clock is now {_with_db(data_dir, move)} seconds ahead.")


@app.command()
def doctor(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Examine database, migrations, Redis, clock and configuration; say what is wrong and which command mends it."""
    from oms_api import doctor as surgery

    findings = _run(surgery.examine(_settings(data_dir)))
    if as_json:
        print(json.dumps([finding._asdict() for finding in findings]))
    else:
        for finding in findings:
            mark = "[green]ok[/]" if finding.ok else "[red]--[/]"
            out.print(
                f"{mark} {finding.what}: {finding.found}" + (f"\n   mend: {finding.mend}" if finding.mend else "")
            )
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@app.command()
def retry(data_dir: DataDir = None) -> None:
    """Try again what was given up: reactions that failed too often, payment operations that were never answered."""
    from functools import partial

    from oms_api import payments
    from oms_api.kit import jobs
    from oms_api.kit.caller import system
    from oms_api.kit.ids import NOBODY

    async def again(db: Any, _: Any) -> tuple[int, int]:
        reactions = await db.run(jobs.retry, system(NOBODY))
        async with db.reading(NOBODY) as reading:
            operations = await payments.unresolved(reading)
        for operation in operations:
            caller = system(operation.tenant_id)
            answer = await payments.call(db, caller, operation.id)
            await db.run(partial(_recorded, operation.id, answer), caller)
        return reactions, len(operations)

    async def _recorded(operation_id: Any, answer: Any, tx: Any) -> None:
        await payments.record(tx, operation_id, answer)

    reactions, operations = _with_db(data_dir, again)
    out.print(f"{reactions} reactions begin again, {operations} payment operations were asked about; see `oms doctor`.")


@app.command()
def config() -> None:
    """Show each setting, its value and where it comes from; secrets stay hidden."""
    from oms_api.config import Settings

    settings = Settings()
    table = Table(box=None)
    for head in ("setting", "value", "from", "what it is"):
        table.add_column(head, no_wrap=head in ("setting", "from"), overflow="fold")
    for name, field in Settings.model_fields.items():
        value = getattr(settings, name)
        shown = "" if value in (None, "", []) else str(value)
        if "Secret" in str(field.annotation):
            shown = "(hidden)" if value else ""
        elif "://" in shown and "@" in shown:
            shown = f"{shown.split('://')[0]}://(hidden)@{shown.rsplit('@', 1)[1]}"
        origin = "environment" if name in settings.model_fields_set else "default"
        table.add_row(f"OMS_{name.upper()}", shown, origin, field.description or "")
    out.print(table)


def main() -> None:
    """The entry point; a wrong setting or a database that is away is a sentence, not a traceback."""
    from pydantic import ValidationError

    from oms_api.kit.errors import Overloaded

    try:
        app()
    except Overloaded as error:
        err.print(f"{error}\nIs it running, and is OMS_DATABASE_URL right? `oms doctor` tells more.", style="red")
        raise SystemExit(1) from None
    except ValidationError as error:
        for problem in error.errors():
            err.print(f"OMS_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}", style="red")
        raise SystemExit(2) from None
