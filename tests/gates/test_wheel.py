"""The built wheel in an empty environment: it carries its migrations and needs no checkout."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A venv with the locked dependencies and the wheel, and nothing of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")

    def run(*command: str) -> None:
        subprocess.run(command, check=True, cwd=folder, capture_output=True, timeout=600)

    run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-w", str(folder), str(ROOT))
    run(sys.executable, "-m", "venv", str(folder / "venv"))
    pip = [str(folder / "venv" / "bin" / "python"), "-m", "pip", "install", "-q"]
    run(*pip, "--require-hashes", "-r", str(ROOT / "requirements.lock"))
    run(*pip, "--no-deps", str(next(folder.glob("*.whl"))))
    return folder


def _oms(environment: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("OMS_", "PYTHON"))}
    return subprocess.run(
        [str(environment / "venv" / "bin" / "oms"), *arguments],
        cwd="/", capture_output=True, text=True, timeout=120, check=False,
        env=plain | {
            "OMS_DATABASE_URL": f"sqlite+aiosqlite:///{environment / 'wheel.sqlite3'}",
            "OMS_SECRET_KEYS": "wheel-test-secret-wheel-test-secret-wheel",
        },
    )  # fmt: skip


def test_the_wheel_migrates_and_is_well_from_the_root_folder(environment: Path) -> None:
    before = _oms(environment, "doctor", "--json")
    assert before.returncode == 1
    assert {"what": "migrations", "mend": "oms migrate"}.items() <= {
        key: value
        for finding in json.loads(before.stdout)
        if finding["what"] == "migrations"
        for key, value in finding.items()
    }.items()
    migrated = _oms(environment, "migrate")
    assert migrated.returncode == 0, migrated.stderr
    after = _oms(environment, "doctor", "--json")
    assert after.returncode == 0, after.stdout + after.stderr
    assert all(finding["ok"] for finding in json.loads(after.stdout))


def test_the_wheel_makes_keys_and_prints_the_schema(environment: Path) -> None:
    _oms(environment, "migrate")
    made = _oms(environment, "keys", "create", "--tenant", "shop", "--scopes", "orders:read,orders:write", "--json")
    key = json.loads(made.stdout)
    assert sorted(key) == ["id", "key", "scopes", "tenant"]
    assert (key["tenant"], key["scopes"]) == ("shop", ["orders:read", "orders:write"])
    assert _oms(environment, "keys", "revoke", key["id"]).returncode == 0
    again = _oms(environment, "keys", "revoke", key["id"])
    assert again.returncode == 1
    assert "no key" in again.stderr
    printed = _oms(environment, "schema")
    assert printed.stdout == (ROOT / "schema.graphql").read_text()
