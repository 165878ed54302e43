"""Where the two schemas and the two lists lie."""

from pathlib import Path

HERE = Path(__file__).parent
CONTRACT = HERE / "contract.graphql"
MISSING = HERE / "missing.txt"
ANNOUNCED = HERE / "announced.txt"
SCHEMA = HERE.parents[1] / "schema.graphql"


def read_list(path: Path) -> list[str]:
    """One coordinate a line; blank lines and lines that begin with `#` are for people."""
    lines = (line.strip() for line in path.read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith("#")]
