"""Public ids: `<prefix>_<26 characters>`, the Crockford base32 of a UUIDv7 (RFC 9562). In the database a native UUID.

A malformed id, an id of another type and an id that does not exist are one and the same answer: `parse` then gives
`NOBODY`, which no row has.
"""

from typing import NamedTuple
from uuid import UUID

from uuid_utils.compat import uuid7

NOBODY = UUID(int=0)

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALUES = {char: value for value, char in enumerate(_ALPHABET)}
_PAIRS = [high + low for high in _ALPHABET for low in _ALPHABET]
_LENGTH = 26


class Ref(NamedTuple):
    """An object's type and id, as the event log stores them."""

    prefix: str
    id: UUID

    def __str__(self) -> str:
        return encode(self.prefix, self.id)


class Prefix:
    """One type of public id. `ORDER = Prefix("ord")`, then `ORDER(uuid)` writes and `ORDER.parse(text)` reads."""

    registry: dict[str, "Prefix"] = {}

    def __init__(self, text: str) -> None:
        if text in self.registry:
            raise ValueError(f"id prefix {text!r} is taken")
        self.text = text
        self.registry[text] = self

    def __call__(self, value: UUID) -> str:
        return encode(self.text, value)

    def parse(self, text: str) -> UUID:
        prefix, value = decode(text)
        return value if prefix == self.text else NOBODY

    def missing(self, noun: str, value: UUID) -> str:
        """What to say of a `noun` that is not there; what was no id of one, `parse` made NOBODY."""
        if value == NOBODY:
            return f"That is not the id of a {noun}; send one that begins with {self.text}_."
        return f"There is no {noun} {self(value)}."

    def ref(self, value: UUID) -> Ref:
        return Ref(self.text, value)


def new() -> UUID:
    """A fresh UUIDv7: ordered by time, so an index grows at its end."""
    return uuid7()


def encode(prefix: str, value: UUID) -> str:
    number = value.int
    pairs = [_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(pairs)}"


def decode(text: str) -> tuple[str, UUID]:
    """Prefix and value of a public id; ("", NOBODY) when it is not one."""
    prefix, _, body = text.rpartition("_")
    if len(body) != _LENGTH or prefix not in Prefix.registry:
        return "", NOBODY
    number = 0
    for char in body:
        value = _VALUES.get(char)
        if value is None:
            return "", NOBODY
        number = number << 5 | value
    return (prefix, UUID(int=number)) if number < 1 << 128 else ("", NOBODY)
