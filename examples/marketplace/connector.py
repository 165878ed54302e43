"""Writes Amazon orders to the order management API: `python connector.py --url … --key … orders.json …`

Each file is JSON as Amazon's Selling Partner API answers it (version 2026-01-01 or v0, any number of responses in one
file). An order that is there already stays as it is. One line an order says what was done; the exit status is 0 when
all are there (or rightly left out), 1 when at least one could not be written, 2 when the API or a file cannot be read.
"""

import argparse
import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import amazon
from client import Answer, Send, Unreachable, over_http

CHANNEL = "query($handle: String!) { channel(handle: $handle) { handle currency } }"
CREATE = """mutation($input: OrderCreateInput!) { orderCreate(input: $input) {
  order { number status total { amount minorAmount } }
  userErrors { code message path } } }"""
REFUSED_FOR_ALL = {"UNAUTHENTICATED", "FORBIDDEN", "UNREADABLE"}


class Did(StrEnum):
    WRITTEN = "written"
    KNOWN = "known"
    LEFT_OUT = "left out"
    FAILED = "FAILED"


class Outcome(NamedTuple):
    """What became of one Amazon order, in words too."""

    order_id: str
    did: Did
    text: str


class Connector:
    """`channel` takes the orders in its own currency; those in another go to `<channel>-<currency>`: `amazon-gbp`.

    Orders that Amazon ships from its own stock must not hold ours: they go to `fba_channel`, whose locations are
    Amazon's warehouses, in the same way; without one they are left out.
    """

    def __init__(self, send: Send, channel: str = "amazon", fba_channel: str | None = None) -> None:
        self._send, self._channel, self._fba_channel = send, channel, fba_channel
        self._currencies: dict[str, str | None] = {}

    async def transfer(self, document: Any) -> AsyncIterator[Outcome]:
        """Every order of a document, one after the other. Raises Unreachable."""
        for found in amazon.find(document):
            try:
                yield await self._write(amazon.sale_of(found))
            except amazon.LeftOut as reason:
                yield Outcome(found.order_id, Did.LEFT_OUT, str(reason))
            except amazon.Unmappable as reason:
                yield Outcome(found.order_id, Did.FAILED, str(reason))

    async def _write(self, sale: amazon.Sale) -> Outcome:
        channel = await self._channel_of(sale)
        answer = await self._ask(CREATE, input=amazon.input_of(sale, channel))
        if answer.get("errors"):
            return Outcome(sale.order_id, Did.FAILED, _said(answer))
        payload = answer["data"]["orderCreate"]
        if payload["userErrors"]:
            reasons = [f"{error['message']} ({'.'.join(error['path'])})" for error in payload["userErrors"]]
            return Outcome(sale.order_id, Did.FAILED, "; ".join(reasons))
        order = payload["order"]
        replayed = (answer.get("extensions") or {}).get("idempotency", {}).get("replayed", False)
        text = [f"number {order['number']}, {order['status']}, {order['total']['amount']} {sale.currency}"]
        if int(order["total"]["minorAmount"]) != sale.grand_total:
            differs = f"Amazon's total is {amazon.money(sale.grand_total, sale.currency)['amount']}"
            if not replayed:
                return Outcome(sale.order_id, Did.FAILED, f"{text[0]}, but {differs}")
            text.append(f"{differs} now: it changed since it was written; edit or cancel it")
        return Outcome(sale.order_id, Did.KNOWN if replayed else Did.WRITTEN, "; ".join(text + sale.notes))

    async def _channel_of(self, sale: amazon.Sale) -> str:
        if sale.by_amazon and self._fba_channel is None:
            raise amazon.LeftOut("Amazon ships it from its own stock; --fba-channel names a channel that writes such")
        first = self._fba_channel if sale.by_amazon and self._fba_channel else self._channel
        other = f"{first}-{sale.currency.lower()}"
        for handle in (first, other):
            if handle not in self._currencies:
                answer = await self._ask(CHANNEL, handle=handle)
                if answer.get("errors"):
                    raise Unreachable(_said(answer))
                found = answer["data"]["channel"]
                self._currencies[handle] = found and found["currency"]
            if self._currencies[handle] == sale.currency:
                return handle
        raise amazon.Unmappable(f"no channel sells in {sale.currency}; put one with the handle {other}")

    async def _ask(self, document: str, **variables: Any) -> Answer:
        answer = await self._send(document, variables)
        for error in answer.get("errors") or ():
            if error.get("extensions", {}).get("code") in REFUSED_FOR_ALL:
                raise Unreachable(error["message"])
        return answer


def _said(answer: Answer) -> str:
    return "; ".join(error["message"] for error in answer["errors"])


async def run(files: Sequence[Path], connector: Connector) -> int:
    """Transfer every file and say what was done; the exit status."""
    counts = Counter[Did]()
    for file in files:
        try:
            document = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            print(f"{file}: {error}", file=sys.stderr)
            return 2
        try:
            async for outcome in connector.transfer(document):
                counts[outcome.did] += 1
                print(f"{outcome.order_id}  {outcome.did:<8}  {outcome.text}", flush=True)
        except Unreachable as error:
            print(error, file=sys.stderr)
            return 2
    print(", ".join(f"{counts[did]} {did}" for did in Did))
    return 1 if counts[Did.FAILED] else 0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="connector.py", description=__doc__)
    parser.add_argument("--url", required=True, help="where the API is: http://127.0.0.1:8000")
    parser.add_argument(
        "--key",
        default=os.environ.get("OMS_KEY"),
        help="API key with orders:read, orders:write, prices:write and network:read (or OMS_KEY in the environment)",
    )
    parser.add_argument("--channel", default="amazon", help="handle of the channel (%(default)s)")
    parser.add_argument("--fba-channel", help="handle of the channel for orders that Amazon ships itself")
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="JSON as Amazon's API answers it")
    given = parser.parse_args(arguments)
    if not given.key:
        parser.error("send --key, or set OMS_KEY")
    return asyncio.run(run(given.files, Connector(over_http(given.url, given.key), given.channel, given.fba_channel)))


if __name__ == "__main__":
    sys.exit(main())
