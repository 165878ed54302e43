"""Planner bench: CPU time of candidates and `plan()`, plans against other ways to route, and against HiGHS.

    python -m bench plan [--carts 1000] [--seed 1]
    python -m bench plan --oracle [1000]

Seeded; worlds as in `bench/worlds.py`. `coverage` is the share of locations that hold any one SKU; the scarcer, the
more carts must be split. Times are CPU of building the candidates from a snapshot's maps and of planning, together.
With `--oracle`: plans of random instances against the optimum of a mixed-integer program (`tests/sourcing/oracle.py`),
after capacity, rate cards, penalties, limits and several ways to send, in three regimes of stock.
"""

import argparse
import gc
import random
import time
from collections.abc import Callable, Sequence
from statistics import mean, quantiles

from bench import standins
from bench.standins import Sent, cost
from bench.worlds import APPAREL, OLIST, World, drawn
from oms_api.sourcing import Demand, Plan, Shortage, Source, plan

COVERAGES = (0.6, 0.2, 0.05, 0.02)
LONGER = (8, 10)
LARGE = ((12, 500), (20, 500), (50, 500))


def speed(name: str, shape: tuple[tuple[int, int], ...], world: World, label: str, carts: int) -> None:
    """Times of carts of a shape over a world, one line."""
    rng = random.Random(f"{name} {label}")
    asked = [world.cart(drawn(rng, shape)) for _ in range(carts)]
    gc.collect()
    gc.freeze()  # as the API does once it is up
    times: list[float] = []
    split = unproven = short = 0
    for cart in asked:
        started = time.process_time_ns()
        answer = plan(cart[0], world.candidates(cart))
        times.append((time.process_time_ns() - started) / 1e6)
        if isinstance(answer, Plan):
            split += answer.shipments > 1
            unproven += not answer.exact
        else:
            short += 1
    cuts = quantiles(times, n=100)
    print(
        f"{name:8} {label}: p50 {cuts[49]:5.2f} ms  p99 {cuts[98]:5.2f} ms  max {max(times):5.2f} ms  "
        f"{1000 * len(times) / sum(times):6.0f} plans/s  split {split / len(times):4.0%}  short {short}  "
        f"unproven {unproven}"
    )


def against(world: World, carts: int, label: str) -> None:
    """What other ways to route cost more, over apparel-like carts that all can serve."""
    rng = random.Random(f"against {label}")
    ways: dict[str, Callable[[Sequence[Demand], Sequence[Source]], Sent | None]] = {
        "greedy by rank": standins.greedy_ranked,
        "greedy by lines": standins.greedy_most_lines,
        "fewest splits": standins.fewest_splits,
        "fewest splits, nearest": standins.fewest_splits_nearest,
    }
    own: list[tuple[int, int]] = []
    theirs: dict[str, list[int]] = {name: [] for name in ways}
    for _ in range(carts):
        lines = drawn(rng, APPAREL)
        cart = world.cart(lines)
        sources = world.candidates(cart)
        answer = plan(cart[0], sources)
        sent = {name: way(cart[0], sources) for name, way in ways.items()}
        if isinstance(answer, Plan) and all(sent.values()):
            own.append((lines, answer.cost))
            for name, parcels in sent.items():
                theirs[name].append(cost(cart[0], parcels or []))
    for title, least in (("all carts", 1), ("three lines or more", 3)):
        kept = [at for at, (lines, _) in enumerate(own) if lines >= least]
        ours = sum(own[at][1] for at in kept)
        told = [f"{name} {1 - ours / sum(costs[at] for at in kept):6.1%}" for name, costs in theirs.items()]
        print(f"cheaper than, {label}, {title:19}: {'   '.join(told)}   ({len(kept)} carts)")


def large(locations: int, lines: int) -> None:
    """One cart as businesses place them, over full and over thin shelves."""
    rng = random.Random(f"{lines} {locations}")
    demands = [Demand(f"SKU{line:02}", rng.randint(1, 40), rng.randrange(50, 2500)) for line in range(lines)]
    shelves: dict[str, Callable[[], int]] = {
        "full": lambda: 100,
        "half": lambda: rng.choice([0, 0, 3, 20, 60]),
        "thin": lambda: rng.choice([0, 0, 0, 1, 2, 3]),
    }
    for name, level in shelves.items():
        sources = [
            Source(
                f"loc{at:03}",
                at,
                {demand.sku: level() for demand in demands},
                0,
                1 + at % 7,
                500 + 50 * (at % 7),
                100 + 10 * (at % 3),
            )
            for at in range(locations)
        ]
        started = time.process_time_ns()
        answer = plan(demands, sources)
        took = (time.process_time_ns() - started) / 1e6
        told = (
            f"{answer.shipments} parcels, at most {answer.gap / max(answer.score, 1):.1%} above the optimum"
            if isinstance(answer, Plan)
            else "short"
        )
        print(f"{lines} lines of up to 40 units, {locations} locations, {name} shelves: {took:5.1f} ms  {told}")


def oracle(instances: int) -> None:
    """Plans against the optimum of HiGHS."""
    from sourcing.checker import amounts_of, check, standing
    from sourcing.oracle import LOCATIONS, REGIMES, instance, optimum

    for lines in (0, *LONGER):
        count = instances if not lines else max(instances // 20, 1)
        solved = equal = undecided = above = missed = worse = 0
        gaps: list[float] = []
        own = theirs = 0.0
        number = 0
        while solved + undecided < count:
            number += 1
            regime = REGIMES[number % 3]
            rng = random.Random(f"oracle {lines} {number}")
            question = instance(rng, lines or rng.randint(1, 5), LOCATIONS[regime], regime)
            started = time.process_time()
            answer = question.plan()
            planned = time.process_time()
            try:
                best = optimum(question)
            except TimeoutError:
                undecided += 1
                continue
            if best is None:
                assert isinstance(answer, Shortage), number
                continue
            own, theirs = own + planned - started, theirs + time.process_time() - planned
            solved += 1
            if isinstance(answer, Shortage):
                missed += 1
                continue
            check(question, answer)
            reached = standing(question, amounts_of(question, answer))[0]
            assert reached >= best, number
            equal += reached == best
            if reached[:-1] == best[:-1]:
                above += answer.lower_bound > best[-1]
                gaps.append((reached[-1] - best[-1]) / max(best[-1], 1))
            else:
                worse += 1
        print(
            f"{f'{lines} lines' if lines else '1 to 5 lines':12}: {solved} instances, {equal} equal to HiGHS, "
            f"mean {mean(gaps):.3%} above, worst {max(gaps):.2%}; bound above the optimum {above}; "
            f"more parcels or later {worse}; no plan found {missed}; left undecided by HiGHS {undecided}; "
            f"CPU {1000 * own / solved:.1f} ms against {1000 * theirs / solved:.0f} ms",
            flush=True,
        )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--carts", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--oracle", type=int, nargs="?", const=1000, metavar="INSTANCES")
    args = parser.parse_args(given)
    if args.oracle:
        oracle(args.oracle)
        return
    print(f"{args.carts} carts; CPU of candidates and plan()")
    for locations in (500, 2000):
        for coverage in COVERAGES:
            for ways in (1, 2):
                world = World(str(args.seed), locations, coverage, ways)
                label = f"{locations:4} locations x {ways}, coverage {coverage:3.0%}"
                speed("apparel", APPAREL, world, label, args.carts)
                if ways == 1:
                    speed("olist", OLIST, world, label, args.carts)
    for coverage in COVERAGES:
        against(World(str(args.seed), 500, coverage), args.carts // 2, f"coverage {coverage:3.0%}")
    for lines, locations in LARGE:
        large(locations, lines)


if __name__ == "__main__":
    main()
