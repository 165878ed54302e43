"""Figures for people."""

from typing import Any

COLUMNS = (
    ("case", "case"), ("ops/s", "rate"), ("p50", "p50_ms"), ("p95", "p95_ms"), ("p99", "p99_ms"),
    ("API CPU", "api_cpu_ms"), ("DB CPU", "database_cpu_ms"), ("worker CPU", "worker_cpu_ms"),
    ("RSS", "api_rss_mib"), ("others", "others_percent"),
)  # fmt: skip
LEGEND = "ms; CPU ms an operation; RSS of the API process in MiB; others: CPU of the rest of the machine, % of a core"


def shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.2f}" if value < 100 else f"{value:.0f}"
    return str(value)


def table(rows: list[list[str]]) -> list[str]:
    """Columns as wide as needed, the first to the left, figures to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    ]


def header() -> list[str]:
    return [title for title, _ in COLUMNS]


def row(figures: dict[str, Any]) -> list[str]:
    return [shown(figures[name]) for _, name in COLUMNS]


def results(name: str, figures: list[dict[str, Any]]) -> list[str]:
    return [f"\n{name}", *table([header(), *(row(each) for each in figures)])]


def compared(ours: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """How many times as much ours does a second, and how many times as much CPU the other takes an operation."""
    own = ours["api_cpu_ms"] + (ours["database_cpu_ms"] or 0.0)
    its = other["api_cpu_ms"] + (other["database_cpu_ms"] or 0.0)
    return {
        "case": ours["case"], "ours": ours["target"], "other": other["target"],
        "rate": round(ours["rate"] / other["rate"], 2),
        "api_cpu": round(other["api_cpu_ms"] / max(ours["api_cpu_ms"], 0.001), 2),
        "all_cpu": round(its / max(own, 0.001), 2),
        "p95": round(other["p95_ms"] / max(ours["p95_ms"], 0.01), 2),
    }  # fmt: skip


def ratios(rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return []
    told = [["case", "ops/s", "p95", "API CPU", "API + DB CPU"]]
    told += [[each["case"], *(f"{each[name]:.2f}×" for name in ("rate", "p95", "api_cpu", "all_cpu"))] for each in rows]
    return [f"\n{rows[0]['ours']} against {rows[0]['other']}: how many times as good", *table(told)]
