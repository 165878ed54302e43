"""What a text for people may be, in any script: emoji and marks of direction included, control characters not."""

import re

# C0 and C1 controls, line and paragraph separators, surrogates: PostgreSQL cannot store some, no label can print any
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def is_text(text: str, most: int) -> bool:
    """1 to `most` characters, not only blanks, none of them a control character."""
    return bool(text.strip()) and len(text) <= most and not _CONTROLS.search(text)
