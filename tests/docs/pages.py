"""The pages of `docs/` as programs: every GraphQL block is sent, every answer that is shown is compared.

How a page is written:

- `Starts from: an empty tenant.`, `Starts from: the demo world.` or `Starts from: [a page](page.md).` says what is
  there before its first block; without that line a page is not run.
- ```` ```graphql ```` is a document. ```` ```json variables ```` after it are its variables, ```` ```json answer ````
  the answer: `data` must be equal; of `errors` and `extensions` only what is shown is compared. Without an answer,
  success is wanted; `userErrors` that are empty are not shown. ```` ```graphql scopes=a:read,b:write ```` is sent
  with a key that holds only these.
- `{{order.id}}` in an answer stands for what came there; later it is that value. `{{date}}`, `{{time}}` and
  `{{cursor}}` stand for any. In variables `{{now}}`, `{{in 3 days}}` and `{{2 hours ago}}` are instants,
  `{{date in 3 days}}` is a date.
- ```` ```sh ```` with `curl …` is sent like a document; `oms clock advance N` lets time pass and timers run.
- ```` ```python ```` with a class `Receiver` listens at the address that it names, with the secret that the page got.
  ```` ```json body ```` is what it heard last.

Whatever follows from a block by reactions has happened before the next one.
"""

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from graphql import OperationDefinitionNode, OperationType, parse

from oms_api import seed
from oms_api.kit import clock
from oms_api.kit.events import rfc3339
from world import Api

from .receivers import Listening

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
TIMERS = (
    "orders.lapse",
    "inventory.expire",
    "webhooks.deliver",
    "payments.retry",
    "fulfillment.overdue",
    "returns.expire",
)
SHAPES = {
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "cursor": r"[\w.=-]+",
}
ID = r"[a-z]{2,4}_[0-9a-hjkmnp-tv-z]{26}"
_FENCE = re.compile(r"^```(\w+) ?([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HOLE = re.compile(r"\{\{([^{}]+)\}\}")
_RELATIVE = re.compile(r"(date )?(?:in (\d+) (days|hours|minutes)|(\d+) (days|hours|minutes) ago|(now))")
_START = re.compile(r"^Starts from: (.+)\.$", re.MULTILINE)


class Mistake(AssertionError):
    """A page that says something else than the API does."""


@dataclass
class Block:
    """A fenced block: `info` is what follows the language, `line` where it begins in the page."""

    language: str
    info: str
    text: str
    line: int


@dataclass
class Step:
    """A document, as it is sent, and what should come back."""

    line: int
    document: str
    variables: Any = None
    answer: dict[str, Any] | None = None
    scopes: tuple[str, ...] = ()


def page(name: str) -> str:
    return (DOCS / f"{name}.md").read_text()


def names() -> list[str]:
    """Every page, in the order of the alphabet."""
    return sorted(path.stem for path in DOCS.glob("*.md"))


def blocks(text: str) -> Iterator[Block]:
    for match in _FENCE.finditer(text):
        yield Block(match[1], match[2].strip(), match[3], text.count("\n", 0, match.start()) + 1)


def start_of(text: str) -> str | None:
    """What is there before the page's first block; None for a page that is not run."""
    found = _START.search(text)
    return found[1] if found else None


@dataclass
class Run:
    """A page on its way: what its placeholders stand for so far."""

    api: Api
    known: dict[str, str] = field(default_factory=dict)
    listening: Listening | None = None
    sent: list[tuple[Step, dict[str, Any]]] = field(default_factory=list)

    async def page(self, name: str) -> None:
        text = page(name)
        start = start_of(text)
        if start == "the demo world":
            await demo_world(self.api)
        elif start and (linked := re.fullmatch(r"\[[^]]+\]\((\w+)\.md\)", start)):
            await self.page(linked[1])
        elif start != "an empty tenant":
            raise Mistake(f"{name}.md starts from {start!r}, which nobody can make")
        step: Step | None = None
        for block in [*blocks(text), None]:
            if block is not None and step is not None and block.language == "json" and block.info != "body":
                _attach(step, block)
                continue
            if step is not None:
                await self._send(name, step)
                step = None
            if block is not None:
                step = await self._begin(block)
            if block is not None and block.info == "body":
                assert self.listening is not None, "only a page with a receiver shows a body"
                self._equal(json.loads(block.text), self.listening.last(), f"docs/{name}.md:{block.line}")

    async def _begin(self, block: Block) -> Step | None:
        if block.language == "graphql":
            scopes = tuple(block.info.removeprefix("scopes=").split(",")) if block.info else ()
            return Step(block.line, block.text, scopes=scopes)
        if block.language == "sh":
            for command in block.text.replace("\\\n", " ").splitlines():
                if command.startswith("curl "):
                    return _curl(block.line, command)
                if advance := re.search(r"oms clock advance (\d+)", command):
                    await self._advance(int(advance[1]))
        if block.language == "python" and "class Receiver" in block.text and self.listening is None:
            self.listening = Listening(block.text)
        return None

    async def _advance(self, seconds: int) -> None:
        clock.set_offset(clock.offset() + timedelta(seconds=seconds))
        for timer in TIMERS:
            await self.api.world.tick(timer)

    async def _send(self, name: str, step: Step) -> None:
        at = f"docs/{name}.md:{step.line}"
        api = await self.api.world.key(self.api.handle, *step.scopes) if step.scopes else self.api
        _check_document(step, at)
        body = await api.answer(step.document, **self._filled(step.variables or {}, at))
        await self.api.world.settle()
        if self.listening:
            body = self.listening.as_written(body)
        self.sent.append((step, body))
        if step.answer is None:
            problems = body.get("errors") or _user_errors(body["data"])
            if problems:
                raise Mistake(f"{at}: no answer is shown, so success is wanted, but: {json.dumps(problems, indent=1)}")
        else:
            self._compare(step.answer, body, at)
        if self.listening and (secret := self.known.get("secret")):
            self.listening.secret = secret

    # --- placeholders ----------------------------------------------------------------------------------------------

    def _filled(self, value: Any, at: str) -> Any:
        """Variables with values in place of their placeholders."""
        if isinstance(value, dict):
            return {key: self._filled(item, at) for key, item in value.items()}
        if isinstance(value, list):
            return [self._filled(item, at) for item in value]
        if not isinstance(value, str):
            return value
        filled = _HOLE.sub(lambda hole: self._value(hole[1], at), value)
        return self.listening.as_sent(filled) if self.listening else filled

    def _value(self, name: str, at: str) -> str:
        if name in self.known:
            return self.known[name]
        relative = _RELATIVE.fullmatch(name)
        if relative is None:
            raise Mistake(f"{at}: no answer before has shown {{{{{name}}}}}")
        day, ahead, unit, ago, unit_ago, _ = relative.groups()
        delta = timedelta(**{unit or unit_ago or "days": int(ahead or ago or 0)})
        instant = rfc3339(clock.now() - delta if ago else clock.now() + delta)
        return instant[:10] if day else instant

    def _compare(self, shown: dict[str, Any], came: dict[str, Any], at: str) -> None:
        if "data" in shown or "errors" not in shown:
            self._equal(shown.get("data"), without_empty_errors(came).get("data"), f"{at} data")
        if "errors" in came and "errors" not in shown:
            raise Mistake(f"{at}: {json.dumps(came['errors'], indent=1)}")
        for part in ("errors", "extensions"):
            if part in shown:
                self._within(shown[part], came.get(part), f"{at} {part}")

    def _equal(self, shown: Any, came: Any, at: str) -> None:
        if isinstance(shown, dict) and isinstance(came, dict):
            if shown.keys() != came.keys():  # facts' keys come in the engine's order
                raise Mistake(f"{at}: the page shows the fields {list(shown)}, {list(came)} came")
            for key, value in shown.items():
                self._equal(value, came[key], f"{at}.{key}")
        elif isinstance(shown, list) and isinstance(came, list) and len(shown) == len(came):
            for i, (one, other) in enumerate(zip(shown, came, strict=True)):
                self._equal(one, other, f"{at}.{i}")
        elif isinstance(shown, str) and isinstance(came, str):
            self._match(shown, came, at)
        elif shown != came or type(shown) is not type(came):
            raise Mistake(f"{at}: the page shows {json.dumps(shown)}, {json.dumps(came)} came")

    def _within(self, shown: Any, came: Any, at: str) -> None:
        if isinstance(shown, dict) and isinstance(came, dict):
            for key, value in shown.items():
                self._within(value, came.get(key), f"{at}.{key}")
        elif isinstance(shown, list) and isinstance(came, list) and len(shown) == len(came):
            for i, (one, other) in enumerate(zip(shown, came, strict=True)):
                self._within(one, other, f"{at}.{i}")
        else:
            self._equal(shown, came, at)

    def _match(self, shown: str, came: str, at: str) -> None:
        """A text with placeholders; a new name takes what came there."""
        pattern, new, last = "", [], 0
        for hole in _HOLE.finditer(shown):
            pattern += re.escape(shown[last : hole.start()])
            name, last = hole[1], hole.end()
            if name in SHAPES:
                pattern += SHAPES[name]
            elif name in self.known:
                pattern += re.escape(self.known[name])
            else:
                new.append(name)
                pattern += f"({ID})" if name.endswith("id") else "(.+)"
        match = re.fullmatch(pattern + re.escape(shown[last:]), came, re.DOTALL)
        if match is None:
            raise Mistake(f"{at}: the page shows {shown!r}, {came!r} came")
        self.known |= dict(zip(new, match.groups(), strict=True))


def without_empty_errors(value: Any) -> Any:
    """An answer as pages show it: `userErrors` that are empty are left out."""
    if isinstance(value, dict):
        return {key: without_empty_errors(item) for key, item in value.items() if (key, item) != ("userErrors", [])}
    return [without_empty_errors(item) for item in value] if isinstance(value, list) else value


def _user_errors(data: dict[str, Any]) -> list[Any]:
    return [error for value in data.values() if isinstance(value, dict) for error in value.get("userErrors", ())]


def _attach(step: Step, block: Block) -> None:
    parsed = json.loads(block.text)
    if block.info == "variables" and step.variables is None and step.answer is None:
        step.variables = parsed
    elif block.info == "answer" and step.answer is None:
        step.answer = parsed
    else:
        raise Mistake(f"line {block.line}: a json block after a document is `json variables` or `json answer`, once")


def _check_document(step: Step, at: str) -> None:
    (operation,) = [node for node in parse(step.document).definitions if isinstance(node, OperationDefinitionNode)]
    declared = {variable.variable.name.value for variable in operation.variable_definitions or ()}
    if declared != set(step.variables or {}):
        raise Mistake(f"{at}: the document wants the variables {sorted(declared)}, the page gives {step.variables}")
    if operation.operation is OperationType.MUTATION and step.document.count("userErrors") < len(
        operation.selection_set.selections
    ):
        raise Mistake(f"{at}: a mutation's document asks for userErrors, or nobody hears of a refusal")


def _curl(line: int, command: str) -> Step:
    words = shlex.split(command)
    headers = [words[i + 1] for i, word in enumerate(words) if word == "-H"]
    if not any(header.startswith("Authorization: Bearer ") for header in headers):
        raise Mistake(f"line {line}: this curl has no key")
    body = json.loads(words[words.index("-d") + 1])
    return Step(line, body["query"], body.get("variables"))


class _Client:
    """What `oms_api.client.Client` is to the seed, without a port."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def __call__(self, document: str, **variables: Any) -> Any:
        return await self._api.ok(document, **variables)


async def demo_world(api: Api) -> None:
    """`oms seed demo`, by the API."""
    await seed.demo(_Client(api))  # type: ignore[arg-type]
    await api.world.settle()
