"""`/explorer`: a GraphQL IDE of our own, served from package data so that it works with no internet.

It asks `/graphql` with the key that the visitor types and knows nothing else of the server. Paths inside it are
relative to the page, so it also works behind a proxy that adds a path prefix.
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

__all__ = ["CONTENT_SECURITY_POLICY", "FILES", "routes"]

#: What is served, by name, with its content type. A file that is not listed here does not exist to the outside.
FILES = {
    "index.html": "text/html; charset=utf-8",
    "explorer.css": "text/css; charset=utf-8",
    "explorer.js": "text/javascript; charset=utf-8",
    "answer.js": "text/javascript; charset=utf-8",
    "client.js": "text/javascript; charset=utf-8",
    "complete.js": "text/javascript; charset=utf-8",
    "docs.js": "text/javascript; charset=utf-8",
    "editor.js": "text/javascript; charset=utf-8",
    "language.js": "text/javascript; charset=utf-8",
    "schema.js": "text/javascript; charset=utf-8",
    "store.js": "text/javascript; charset=utf-8",
    "examples.graphql": "text/plain; charset=utf-8",
    "icon.svg": "image/svg+xml",
}

#: No inline script or style, nothing from elsewhere, no frame around it; Trusted Types refuse markup made from
#: strings, so an answer of the API can never become script in a page that holds a key.
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    media_type: str
    etag: str


def _load(name: str, media_type: str) -> _File:
    body = files(__name__).joinpath(name).read_bytes()
    return _File(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _answer(file: _File, request: Request) -> Response:
    headers = {
        "ETag": file.etag,
        # Always asked again, answered 304 while unchanged: a page never mixes the modules of two versions.
        "Cache-Control": "no-cache",
        "Content-Security-Policy": CONTENT_SECURITY_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
    }
    if _unchanged(request.headers.get("if-none-match", ""), file.etag):
        return Response(status_code=304, headers=headers)
    return Response(file.body, headers=headers | {"Content-Type": file.media_type})


def _unchanged(if_none_match: str, etag: str) -> bool:
    """RFC 9110, 13.1.2: a list of tags or `*`, compared weakly (a proxy that compresses may have added `W/`)."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return "*" in tags or etag in tags


def routes() -> list[BaseRoute]:
    """`/explorer` and `/explorer/{file}`; the files are read once, here."""
    loaded = {name: _load(name, media_type) for name, media_type in FILES.items()}

    async def page(request: Request) -> Response:
        return _answer(loaded["index.html"], request)

    async def asset(request: Request) -> Response:
        file = loaded.get(request.path_params["file"])
        return PlainTextResponse("No such file.", 404) if file is None else _answer(file, request)

    return [Route("/explorer", page, methods=["GET"]), Route("/explorer/{file}", asset, methods=["GET"])]
