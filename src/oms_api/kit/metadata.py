"""Free-form data of integrators on an object: up to 100 entries `namespace.key` → JSON value."""

import re
from collections.abc import Mapping
from typing import Any

import orjson

from oms_api.kit.errors import Invalid, LimitExceeded, Path, Refusal

ENTRIES_MAX = 100
VALUE_BYTES_MAX = 16 * 1024
_KEY = re.compile(r"(?=.{3,100}$)[A-Za-z0-9_-]+\.[A-Za-z0-9_.-]+")


def merged(
    before: Mapping[str, Any], changes: Mapping[str, Any] | None, path: Path, problems: list[Refusal]
) -> dict[str, Any]:
    """`before` with `changes` applied (None deletes a key); what is wrong is added to `problems`."""
    after = dict(before)
    for key, value in (changes or {}).items():
        if not _KEY.fullmatch(key):
            problems.append(Invalid(f"{key[:40]!r} is not a metadata key; use `namespace.key`.", path=path))
        elif value is None:
            after.pop(key, None)
        elif len(orjson.dumps(value)) > VALUE_BYTES_MAX:
            problems.append(Invalid(f"{key}: the value is larger than {VALUE_BYTES_MAX} bytes.", path=path))
        else:
            after[key] = value
    if len(after) > ENTRIES_MAX:
        problems.append(LimitExceeded(f"An object has at most {ENTRIES_MAX} metadata entries.", path=path))
    return after
