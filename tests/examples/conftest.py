"""The connector is a program of its own: its modules are found by their names alone."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "examples" / "marketplace"))
