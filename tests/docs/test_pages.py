"""What `docs/` says is what the API does: every block runs, on both engines."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from oms_api.kit import clock
from world import Api

from . import pages
from .pages import Mistake, Run, names, page, start_of

RUN = [name for name in names() if start_of(page(name))]


@pytest.fixture(autouse=True)
def _back_in_time() -> Iterator[None]:
    before = clock.offset()
    yield
    clock.set_offset(before)


@pytest.mark.parametrize("name", RUN)
async def test_every_block_of_a_page_does_what_the_page_says(api: Api, name: str) -> None:
    run = Run(api)
    try:
        await run.page(name)
    finally:
        if run.listening:
            run.listening.close()
    assert run.sent


async def test_a_receiver_with_a_true_clock_believes_a_deployment_that_has_travelled(api: Api) -> None:
    clock.set_offset(clock.offset() + timedelta(hours=5))
    run = Run(api)
    try:
        await run.page("webhooks")
    finally:
        if run.listening:
            run.listening.close()
    assert run.sent


async def test_a_page_that_shows_another_answer_is_wrong(
    api: Api, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "DOCS", tmp_path)
    head = "Starts from: an empty tenant.\n```graphql\n{ viewer { test tenant } }\n```\n```json answer\n"
    right = '{"data": {"viewer": {"test": true, "tenant": "{{tenant}}"}}}\n```\n'
    (tmp_path / "page.md").write_text(head + right)
    await Run(api).page("page")
    for wrong in (
        right.replace("true", "false"),
        right.replace('"tenant"', '"tenants"', 1),
        right.replace("{{tenant}}", "{{date}}"),
        right.replace("viewer", "viewers", 1),
    ):
        (tmp_path / "page.md").write_text(head + wrong)
        with pytest.raises(Mistake):
            await Run(api).page("page")
