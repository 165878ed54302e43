"""`/explorer` over HTTP: types, caching, and a policy that lets nothing else in."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from oms_api.explorer import CONTENT_SECURITY_POLICY, FILES, routes


@pytest.fixture(scope="module")
def client() -> TestClient:
    return TestClient(Starlette(routes=routes()))


@pytest.mark.parametrize(("name", "media_type"), FILES.items())
def test_every_file_is_served_with_its_type_and_the_policy(client: TestClient, name: str, media_type: str) -> None:
    answer = client.get(f"/explorer/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert len(answer.content) == int(answer.headers["content-length"]) > 0


def test_the_policy_allows_only_the_page_s_own_origin(client: TestClient) -> None:
    rules = dict(rule.strip().split(" ", 1) for rule in CONTENT_SECURITY_POLICY.split(";"))
    assert rules == {
        "default-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "object-src": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


def test_the_short_address_serves_the_page(client: TestClient) -> None:
    assert client.get("/explorer").content == client.get("/explorer/index.html").content
    assert client.get("/explorer").headers["content-type"] == "text/html; charset=utf-8"


def test_a_slash_at_the_end_leads_to_the_page(client: TestClient) -> None:
    answer = client.get("/explorer/", follow_redirects=False)
    assert answer.status_code == 307
    assert answer.headers["location"].endswith("/explorer")


@pytest.mark.parametrize("sent", ["{etag}", "W/{etag}", '"other", {etag}', "*"])
def test_a_known_version_is_not_sent_again(client: TestClient, sent: str) -> None:
    etag = client.get("/explorer").headers["etag"]
    answer = client.get("/explorer", headers={"If-None-Match": sent.format(etag=etag)})
    assert answer.status_code == 304
    assert answer.content == b""
    assert answer.headers["etag"] == etag
    assert answer.headers["content-security-policy"] == CONTENT_SECURITY_POLICY


def test_another_version_is_sent(client: TestClient) -> None:
    answer = client.get("/explorer", headers={"If-None-Match": '"other"'})
    assert answer.status_code == 200
    assert answer.content.startswith(b"<!doctype html>")


def test_head_answers_without_a_body(client: TestClient) -> None:
    answer = client.head("/explorer")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["etag"] == client.get("/explorer").headers["etag"]


@pytest.mark.parametrize("path", ["nothing.js", "__init__.py", "..%2f__init__.py", "%2e%2e", "INDEX.HTML"])
def test_what_is_not_listed_does_not_exist(client: TestClient, path: str) -> None:
    assert client.get(f"/explorer/{path}").status_code == 404


def test_the_page_takes_no_post(client: TestClient) -> None:
    assert client.post("/explorer").status_code == 405
