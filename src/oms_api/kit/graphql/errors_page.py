"""The page that `UserError.docUrl` points to: each code, what it means, what to do, from the refusals themselves."""

import inspect
from functools import cache
from html import escape

from oms_api.kit.errors import Refusal

TOP_LEVEL = {
    "PARSE_FAILED": "The document is not GraphQL. Mend the syntax at the location named.",
    "VALIDATION_FAILED": "The document or its variables do not fit the schema. Mend them as the message says.",
    "UNAUTHENTICATED": "No API key, or one that is unknown or revoked. Send `Authorization: Bearer oms_…`.",
    "FORBIDDEN": "The key lacks the scope that the message names. Ask for a key that holds it.",
    "THROTTLED": "This client used up its points. Wait as long as `Retry-After` says.",
    "COST_EXCEEDED": "The operation costs more points than one may. Ask for smaller pages or fewer things at once.",
    "BAD_INPUT": "A page size, cursor or filter cannot be used; `extensions.userErrors` says which and why.",
    "BAD_REQUEST": "The HTTP request is not GraphQL over HTTP. The message says what to send.",
    "BODY_TOO_LARGE": "The body is larger than 256 KiB. Send less at once.",
    "TIMEOUT": "The operation took longer than 10 s. A write with the same idempotency key is safe to repeat.",
    "OVERLOADED": "Too much at once, or the database is away. Try again as `Retry-After` says.",
    "INTERNAL": "A defect on our side. Tell us the `requestId`.",
}


@cache
def explained() -> str:
    """HTML, complete and without scripts."""
    rows = []
    for code, refusal in sorted(Refusal.codes.items()):
        means, _, do = (inspect.getdoc(refusal) or "").partition("\n\n")
        again = "The same request may succeed later." if refusal.retryable else ""
        rows.append((code, means, f"{do} {again}".strip()))
    top = [(code, text, "") for code, text in sorted(TOP_LEVEL.items())]
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><title>Error codes</title>"
        "<meta name=viewport content='width=device-width'><body><h1>Error codes</h1>"
        "<h2>In <code>userErrors</code></h2>"
        + _listed(rows)
        + "<h2>On top level</h2>"
        + _listed(top)
        + "</body></html>"
    )


def _listed(rows: list[tuple[str, str, str]]) -> str:
    return "".join(
        f"<h3 id={code}>{code}</h3><p>{escape(means)}</p>" + (f"<p>{escape(do)}</p>" if do else "")
        for code, means, do in rows
    )
