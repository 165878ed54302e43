"""Wave bench: many orders compete for the same stock of one network; how near the linear bound, in how many seconds.

    python -m bench wave [--orders 500] [--locations 500] [--seed 1] [--through sqlite,postgresql]

Seeded; the stores, destinations and costs of `bench/plan.py`, apparel-like carts. Scarcity is told by coverage: the
share of locations that hold any one SKU. Half of the orders hold units already, taken in turn as they came. The gap
is told twice: of the whole score, which counts what waits, and of what is sent alone.

With `--through` the orders are placed and the wave is run through the database (`bench/wave_stored.py`).
"""

import argparse
import os
import random
import time
from collections import defaultdict
from collections.abc import Sequence

from bench import wave_stored as stored
from bench.worlds import APPAREL, World, drawn
from oms_api.sourcing import Demand, Plan, Source, plan
from oms_api.sourcing.rules.wave import Claim, Held, Outcome, WaveStrategy, wave

COVERAGES = (0.2, 0.05, 0.02)
POPULAR = 40
"""SKUs over which the orders of a wave compete."""


def claims_of(world: World, count: int) -> list[Claim]:
    """Orders of a wave: the first half has been served in turn, each as cheaply as what was left allowed."""
    rng = random.Random(f"wave {count} {len(world.places)}")
    names = [f"SKU{sku}" for sku in range(POPULAR)]
    carts: list[tuple[list[Demand], list[Source]]] = []
    for _ in range(count):
        lines = min(drawn(rng, APPAREL), POPULAR)
        demands, there = world.cart(lines)
        chosen = rng.sample(range(POPULAR), lines)
        demands = [
            one._replace(sku=names[sku], grams=world.grams[sku]) for one, sku in zip(demands, chosen, strict=True)
        ]
        carts.append((demands, world.candidates((demands, there))))
    left: dict[tuple[str, str], int] = defaultdict(int)
    for _, sources in carts:
        for source in sources:
            left |= {(source.location, sku): units for sku, units in source.stock.items()}
    claims = []
    for number, (demands, sources) in enumerate(carts):
        held: list[Held] = []
        if number < count // 2:
            now = [one._replace(stock={sku: left[one.location, sku] for sku in one.stock}) for one in sources]
            found = plan(demands, now)
            if isinstance(found, Plan):
                by_name = {(one.location, one.service): one for one in sources}
                for parcel in found.parcels:
                    held.append(Held(by_name[parcel.location, parcel.source.service], dict(parcel.lines)))
                    for sku, units in parcel.lines:
                        left[parcel.location, sku] -= units
        strategy = (WaveStrategy.REDISTRIBUTE, WaveStrategy.IMPROVE, WaveStrategy.WIN, WaveStrategy.FILL)[number % 4]
        claims.append(Claim(f"{number:05}", demands, sources, strategy, held))
    return claims


def told(found: Outcome, label: str, wall: float) -> str:
    units = sum(sum(share.waiting.values()) for share in found.shares)
    sent = sum(share.score for share in found.shares)
    return (
        f"{label}: {found.seconds:5.1f} s CPU  {wall:5.1f} s  gap {found.gap:.3%} of the score, "
        f"{(found.score - found.bound) / max(sent, 1):.3%} of what is sent; "
        f"{found.score_before / 100:.2f} -> {found.score / 100:.2f}, {units} units wait, "
        f"{found.columns} columns, {found.rounds} rounds"
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--locations", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--through", default="", help="engines through whose database it goes, comma-separated")
    args = parser.parse_args(given)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for engine in filter(None, args.through.split(",")):
        stored.run(engine, args.orders, args.locations, args.seed)
    for coverage in () if args.through else COVERAGES:
        claims = claims_of(World(str(args.seed), args.locations, coverage), args.orders)
        started = time.perf_counter()
        found = wave(claims)
        label = f"{args.orders} orders x {args.locations} locations, coverage {coverage:3.0%}"
        print(told(found, label, time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    main()
