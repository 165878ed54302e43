"""Rewrites `missing.txt` from `schema.graphql`: `python -m tests.contract.missing [--grow]`.

Refuses to list what was built before, unless told to `--grow`: the list is there to shrink.
"""

import sys
from pathlib import Path

from .comparison import newly_missing, still_missing
from .files import CONTRACT, MISSING, SCHEMA, read_list

HEAD = "# Coordinates of the contract that schema.graphql lacks; tests.contract.missing writes them.\n"


def rewrite(contract: Path, schema: Path, listing: Path, *, grow: bool) -> set[str]:
    """Writes the list; when coordinates would newly go missing, answers with them and writes nothing."""
    contract_sdl = contract.read_text(encoding="utf-8")
    before = set(read_list(listing))
    after = still_missing(contract_sdl, schema.read_text(encoding="utf-8"))
    lost = set() if grow else newly_missing(contract_sdl, before, after)
    if not lost:
        listing.write_text(HEAD + "".join(f"{c}\n" for c in sorted(after)), encoding="utf-8")
    return lost


def main(arguments: list[str]) -> int:
    if set(arguments) - {"--grow"}:
        print(__doc__)
        return 2
    if not SCHEMA.exists():
        print("there is no schema.graphql yet: write it with `oms schema > schema.graphql`")
        return 2
    lost = rewrite(CONTRACT, SCHEMA, MISSING, grow="--grow" in arguments)
    for coordinate in sorted(lost):
        print(f"{coordinate} was built and is gone")
    print("refused; --grow lists them" if lost else f"{len(read_list(MISSING))} coordinates are still missing")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
