"""The GraphQL-over-HTTP audit of the npm package `graphql-http`, against the real server, when Node.js is present."""

import asyncio
import shutil
import subprocess
import warnings
from pathlib import Path

import pytest
import uvicorn

from oms_api.serve import Server
from world import World

SCRIPT = Path(__file__).with_name("graphql_http_audit.mjs")
PACKAGES = ("graphql-http@1.23.1", "graphql@16")


async def test_the_public_audit_suite_reports_61_of_61(
    world: World, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    if shutil.which("node") is None or shutil.which("npm") is None:
        warnings.warn("the GraphQL-over-HTTP audit did NOT run: Node.js is not installed", stacklevel=1)
        pytest.skip("Node.js is not installed")
    folder = tmp_path_factory.mktemp("audit")
    (folder / "audit.mjs").write_text(SCRIPT.read_text())
    installed = await asyncio.to_thread(
        subprocess.run,
        ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(folder), *PACKAGES],
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    if installed.returncode != 0:
        warnings.warn("the GraphQL-over-HTTP audit did NOT run: npm cannot install graphql-http", stacklevel=1)
        pytest.skip("npm cannot install graphql-http")
    api = await world.tenant()
    server = Server(uvicorn.Config(world.app, port=0, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    await server.ready(serving)
    port = server.servers[0].sockets[0].getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "node", str(folder / "audit.mjs"), f"http://127.0.0.1:{port}/graphql", api.key, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await asyncio.wait_for(process.communicate(), 60)
    server.should_exit = True
    await serving
    with capsys.disabled():
        print(f"\nGraphQL-over-HTTP audit: {out.decode().strip()}")
    assert out.decode().strip() == "61/61"
