"""What a text for people may be, in any script: emoji and marks of direction included, control characters not."""

import re
from collections.abc import Sequence

from oms_api.kit.errors import Invalid, Path, Refusal

TAGS_MAX = 50
TAG_LENGTH_MAX = 50

# C0 and C1 controls, line and paragraph separators, surrogates: PostgreSQL cannot store some, no label can print any
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def is_text(text: str, most: int) -> bool:
    """1 to `most` characters, not only blanks, none of them a control character."""
    return bool(text.strip()) and len(text) <= most and not _CONTROLS.search(text)


def tag_problems(tags: Sequence[str] | None, path: Path) -> list[Refusal]:
    """What is wrong with tags: short words, TAGS_MAX at most. `path` is that of the object which has them."""
    if len(tags or ()) > TAGS_MAX:
        return [Invalid(f"Send at most {TAGS_MAX} tags, not {len(tags or ())}.", path=(*path, "tags"))]
    return [
        Invalid(f"A tag has 1 to {TAG_LENGTH_MAX} characters.", path=(*path, "tags", i))
        for i, tag in enumerate(tags or ())
        if not is_text(tag, TAG_LENGTH_MAX)
    ]
