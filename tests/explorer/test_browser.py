"""The page in a real, headless Chromium, driven by nothing but its address; what it then shows is read off the DOM.

Where no Chromium is installed these tests are skipped with a warning that says so.
"""

import json
import re
import shutil
import subprocess
import warnings
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest

from explorer.world import KEY, served

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=20000",  # milliseconds; time stands still while an answer is awaited
)
VOID = {"br", "hr", "img", "input", "link", "meta"}


class Page(HTMLParser):
    """A dumped DOM: the text of an element with its descendants by id, and the classes in use."""

    def __init__(self, dom: str, console: str) -> None:
        super().__init__()
        self.dom, self.console = dom, console
        self.text: dict[str, str] = {}
        self.classes: set[str] = set()
        self._open: list[tuple[str, str | None]] = []
        self.feed(dom)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.classes.update((given.get("class") or "").split())
        if tag not in VOID:
            self._open.append((tag, given.get("id")))
            self.text.setdefault(given.get("id") or "", "")

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        for identifier in {identifier for _, identifier in self._open if identifier}:
            self.text[identifier] += data

    @property
    def complaints(self) -> list[str]:
        """What the browser's console holds against the page's own code: errors of scripts and refusals by the CSP."""
        rows = [row for row in self.console.splitlines() if "CONSOLE" in row]
        return [row for row in rows if re.search(r"Uncaught|Content Security Policy|Trusted|Refused to", row)]


@pytest.fixture(scope="module")
def chromium() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        said = f"The explorer's browser tests did NOT run: none of {', '.join(BROWSERS)} is installed."
        warnings.warn(said, stacklevel=1)
        pytest.skip(said)
    return found


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as url:
        yield url


class Browser:
    def __init__(self, program: str, address: str, profile: Path) -> None:
        self.program, self.address, self.profile = program, address, profile

    def visit(self, path: str) -> Page:
        command = [self.program, *FLAGS, f"--user-data-dir={self.profile}", "--dump-dom", self.address + path]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        return Page(ended.stdout, ended.stderr)

    def explorer(self, **fragment: str) -> Page:
        return self.visit(f"/explorer#{urlencode(fragment)}")


@pytest.fixture
def browser(chromium: str, address: str, tmp_path: Path) -> Browser:
    return Browser(chromium, address, tmp_path / "profile")


def test_a_link_with_key_and_operation_shows_the_answer(browser: Browser) -> None:
    page = browser.explorer(key=KEY, query="query Me { viewer { tenant test } }", run="1")
    assert json.loads(page.text["answer"]) == {"data": {"viewer": {"tenant": "demo", "test": True}}}
    assert re.fullmatch(r"200 · \d+ ms · 49 B · req_01m80scynhe1g926cqw3m59wd1", page.text["status"])
    assert page.text["state"] == "Connected"
    assert page.text["notice"] == ""
    assert page.complaints == []
    assert KEY not in page.dom
    assert "Me" in page.text["entries"]


def test_docs_list_the_root_fields_and_the_menu_hides_examples_that_cannot_run(browser: Browser) -> None:
    page = browser.explorer(key=KEY)
    assert "availability: AvailabilityPayload!What can be sold, where, when." in page.text["docs"]
    assert "orderCreate: OrderPayload!" in page.text["docs"]
    assert "(availability)" in page.text["examples"]
    assert "What is in stock?" not in page.text["examples"]
    assert page.text["answer"] == ""


def test_user_errors_are_told_above_the_answer_and_marked_in_it(browser: Browser) -> None:
    query = "query($input: AvailabilityInput!) { availability(input: $input) { userErrors { code message path } } }"
    variables = '{"input": {"channel": "web", "skus": ["MUG-WHITE", "NOPE"]}}'
    page = browser.explorer(key=KEY, query=query, variables=variables, run="1")
    assert page.text["problems"] == "NOT_FOUND SKU 'NOPE' is unknown; create it with skuPut. input.skus.1"
    assert "refused" in page.classes


def test_the_line_of_an_error_is_marked(browser: Browser) -> None:
    page = browser.explorer(key=KEY, query="{\n  viewer {\n    tenantt\n  }\n}", run="1")
    assert page.text["status"].startswith("400 · ")
    assert "Cannot query field 'tenantt'" in page.text["problems"]
    assert '<span class="wrong">3</span>' in page.dom


def test_a_stranger_s_link_runs_nothing_with_the_key_that_the_tab_holds(browser: Browser) -> None:
    fragment = urlencode({"query": "query Theirs { viewer { tenant } }", "run": "1"})
    page = browser.visit(f"/visited?{urlencode({'fragment': fragment})}")
    assert page.text["state"] == "Connected"
    assert "query Theirs" in page.text["operation"]
    assert page.text["answer"] == ""
    assert page.text["status"] == "No answer yet"


def test_without_a_key_the_page_says_where_to_get_one(browser: Browser) -> None:
    page = browser.explorer()
    assert page.text["notice"].startswith("Paste an API key to begin.")
    assert page.text["state"] == ""
    assert "query Viewer" in page.text["operation"]


def test_a_wrong_key_is_told_in_words(browser: Browser) -> None:
    page = browser.explorer(key="oms_test_wrong")
    assert page.text["notice"].startswith("The server does not accept this API key.")
    assert page.text["state"] == "Not connected"


def test_completion_formatting_and_editing_do_what_they_promise(browser: Browser) -> None:
    page = browser.visit(f"/checks.html?key={KEY}")
    rows = re.findall(r"(?:ok|WRONG): .*?(?=ok: |WRONG: |$)", page.text["checks"], re.DOTALL)
    assert [row for row in rows if row.startswith("WRONG")] == []
    assert page.text["done"] == "all checks ran", page.console
    assert len(rows) == 36
