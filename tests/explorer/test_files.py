"""The explorer's files: whole in the package, nothing from elsewhere, nothing inline, every control named."""

import re
from html.parser import HTMLParser
from importlib.resources import files

import pytest

from oms_api.explorer import FILES

FOLDER = files("oms_api.explorer")
TEXTS = {name: FOLDER.joinpath(name).read_text(encoding="utf-8") for name in FILES}
SCRIPTS = {name: text for name, text in TEXTS.items() if name.endswith(".js")}

# Addresses that are no places to load from: the name of SVG's namespace, and a receiver in an example's variables.
NAMES = {"http://www.w3.org/2000/svg", "http://127.0.0.1:9000/hook"}


class Page(HTMLParser):
    """Tags of a page with their attributes, and the text inside scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.inline = ""
        self._inside = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag

    def handle_data(self, data: str) -> None:
        if self._inside in {"script", "style"}:
            self.inline += data.strip()

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""


PAGE = Page(TEXTS["index.html"])


def test_every_file_of_the_folder_is_served() -> None:
    present = {entry.name for entry in FOLDER.iterdir() if entry.is_file()}
    assert present - {"__init__.py"} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_no_file_names_another_place(name: str) -> None:
    assert set(re.findall(r"[a-z]+://[^\s\"'`<>)]+", TEXTS[name])) <= NAMES
    assert re.findall(r"[\"'`(=]//\w", TEXTS[name]) == []
    assert re.findall(r"@import|\bdata:\w+/", TEXTS[name]) == []


def test_the_page_loads_only_files_that_are_served() -> None:
    loaded = [attrs[name] or "" for tag, attrs in PAGE.tags for name in ("src", "href") if name in attrs and tag != "a"]
    assert len(loaded) == 4
    assert {path.removeprefix("explorer/") for path in loaded} <= set(FILES)
    assert all(path.startswith("explorer/") for path in loaded)


def test_scripts_import_only_files_that_are_served() -> None:
    imported = [path for text in SCRIPTS.values() for path in re.findall(r"from \"([^\"]+)\"", text)]
    assert len(imported) > 10
    assert {path.removeprefix("./") for path in imported} <= set(SCRIPTS)


def test_the_page_has_no_inline_script_style_or_handler() -> None:
    assert PAGE.inline == ""
    assert [tag for tag, _ in PAGE.tags if tag == "style"] == []
    assert [name for _, attrs in PAGE.tags for name in attrs if name == "style" or name.startswith("on")] == []


@pytest.mark.parametrize("name", SCRIPTS)
def test_no_script_makes_markup_or_code_from_text(name: str) -> None:
    forbidden = r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function"
    assert re.findall(forbidden, SCRIPTS[name]) == []


def test_every_control_has_a_name_and_a_button_never_submits() -> None:
    labelled = {attrs.get("for") for tag, attrs in PAGE.tags if tag == "label"}
    inputs = [attrs for tag, attrs in PAGE.tags if tag in {"input", "select", "textarea"}]
    buttons = [attrs for tag, attrs in PAGE.tags if tag == "button"]
    assert inputs
    assert [a for a in inputs if a.get("id") not in labelled and "aria-label" not in a] == []
    assert len(buttons) == 13
    assert [a for a in buttons if a.get("type") != "button"] == []


def test_every_element_that_the_script_asks_for_is_on_the_page() -> None:
    asked = set(re.findall(r"(?:\$|\bon)\(\"([\w-]+)\"", SCRIPTS["explorer.js"]))
    assert len(asked) > 20
    assert asked <= {attrs.get("id") for _, attrs in PAGE.tags}


def test_only_these_things_are_kept_and_the_key_only_for_the_tab() -> None:
    kept = {
        (area, name)
        for text in SCRIPTS.values()
        for area, name in re.findall(r"\b(local|session)\.set\(\"?([\w]+)\"?,", text)
    }
    assert kept == {
        ("session", "key"),
        ("session", "headers"),
        ("local", "draft"),
        ("local", "history"),
        ("local", "panel"),
    }
    opened = [name for name, text in SCRIPTS.items() if re.search(r"Storage\b[.\[\"]|window\[", text)]
    assert opened == ["store.js"]
    assert re.findall(r"document\.cookie|indexedDB|caches\.", "".join(SCRIPTS.values())) == []


def test_the_fragment_leaves_the_address_bar_before_its_key_is_used() -> None:
    body = SCRIPTS["explorer.js"].split("async function readFragment()")[1].split("\n}\n")[0]
    removed = body.index('history.replaceState(null, "", location.pathname + location.search);')
    assert removed < body.index("setKey(")
    assert removed < body.index("load(")
