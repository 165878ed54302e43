"""How fast it is, and at which cost: `python -m bench --help`. Not part of CI; see docs/benchmarks.md."""
