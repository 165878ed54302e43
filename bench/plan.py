"""Planner bench: CPU time of `plan()` over 500 locations, for published cart shapes.

    python -m bench plan [--carts 1000] [--locations 500] [--seed 1]

Seeded: locations and destinations are US postal codes, priced by the built-in carrier service. `coverage` is the
share of locations that hold any one SKU; the scarcer, the more carts must be split. Prints p50, p99 and plans/s
of CPU, the share of carts that were split, and how many were not proven best.
"""

import argparse
import random
import time
from collections.abc import Sequence
from statistics import quantiles

from oms_api.promising.rules import STANDARD, Demand, Plan, Source, plan, position, zone_between

APPAREL = ((1, 35), (2, 25), (3, 18), (4, 13), (5, 9))
"""Lines a cart and their weight."""
OLIST = ((1, 9680), (2, 280), (3, 33), (4, 9))
QUANTITIES = ((1, 930), (2, 54), (3, 15))
SKUS = 400


def drawn(rng: random.Random, shape: tuple[tuple[int, int], ...]) -> int:
    return rng.choices([value for value, _ in shape], [weight for _, weight in shape])[0]


def places(rng: random.Random, count: int) -> list[tuple[float, float]]:
    found: list[tuple[float, float]] = []
    while len(found) < count:
        at = position("US", f"{rng.randrange(1000, 100_000):05}")
        if at is not None:
            found.append(at)
    return found


def bench(name: str, shape: tuple[tuple[int, int], ...], coverage: float, ways: int, args: argparse.Namespace) -> None:
    rng = random.Random(f"{args.seed} {name} {coverage} {ways}")
    locations = places(rng, args.locations)
    grams = [rng.randrange(50, 2500) for _ in range(SKUS)]
    stock = [
        {f"SKU{sku}": rng.choice((1, 1, 2, 3, 8)) for sku in range(SKUS) if rng.random() < coverage} for _ in locations
    ]
    times: list[float] = []
    split = unproven = short = 0
    for _ in range(args.carts):
        there = rng.choice(locations)
        picked = rng.sample(range(SKUS), drawn(rng, shape))
        demands = [Demand(f"SKU{sku}", drawn(rng, QUANTITIES), grams[sku]) for sku in picked]
        sources = []
        for rank, here in enumerate(locations):
            zone = zone_between(here, there)
            for way in range(ways):
                ships_on = rng.randrange(3)
                sources.append(
                    Source(
                        f"loc{rank}",
                        rank,
                        stock[rank],
                        ships_on,
                        ships_on + (zone if way == 0 else (zone + 1) // 2),
                        STANDARD.fixed(zone) * (1 + way),
                        STANDARD.per_kg * (1 + way),
                        "standard" if way == 0 else "express",
                    )
                )
        started = time.process_time_ns()
        answer = plan(demands, sources)
        times.append((time.process_time_ns() - started) / 1e6)
        if isinstance(answer, Plan):
            split += answer.shipments > 1
            unproven += not answer.exact
        else:
            short += 1
    cuts = quantiles(times, n=100)
    print(
        f"{name:8} coverage {coverage:4.0%} x {ways}: p50 {cuts[49]:6.2f} ms  p99 {cuts[98]:6.2f} ms  "
        f"max {max(times):6.2f} ms  {1000 * len(times) / sum(times):6.0f} plans/s  "
        f"split {split / len(times):4.0%}  short {short}  unproven {unproven}"
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--carts", type=int, default=1000)
    parser.add_argument("--locations", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args(given)
    print(f"{args.carts} carts over {args.locations} locations; CPU of plan()")
    for name, shape in (("apparel", APPAREL), ("olist", OLIST)):
        for coverage in (0.6, 0.2, 0.05, 0.02):
            bench(name, shape, coverage, 1, args)
    bench("apparel", APPAREL, 0.2, 2, args)


if __name__ == "__main__":
    main()
