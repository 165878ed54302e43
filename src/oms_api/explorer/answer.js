// The answer pane: status line, what went wrong in words, and the coloured JSON.

import { element, paint, prose } from "./editor.js";
import { tokenize } from "./language.js";

const COLOURED = 150_000; // characters of an answer that are still coloured
const size = (bytes) => (bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`);

/** The status line: status, time, size, request id. */
export function statusLine(result) {
  const parts = [];
  if (result.status) parts.push(element("b", { class: result.status < 400 && !result.json?.errors ? "good" : "wrong" }, String(result.status)));
  if (result.milliseconds) parts.push(`${Math.round(result.milliseconds)} ms`);
  if (result.bytes) parts.push(size(result.bytes));
  if (result.count) parts.push(`message ${result.count}`);
  if (result.json?.extensions?.idempotency?.replayed) parts.push("replayed");
  if (result.requestId) parts.push(element("span", { class: "request", title: "Request id" }, result.requestId));
  if (result.failed) parts.push(result.stopped ? "Stopped" : "No answer");
  return parts.flatMap((part, i) => (i ? [" · ", part] : [part]));
}

/** Coloured JSON, with non-empty `userErrors` marked; very long text stays plain. */
export function coloured(text) {
  return text.length > COLOURED ? [text] : paint(refused(tokenize(text, "json")), (t) => (t.refused ? "refused" : ""));
}

/** Top-level errors, and every entry of a `userErrors` list wherever it is. */
export function problemsIn(json) {
  const found = (json?.errors ?? []).map((e) => ({ ...e, code: e.extensions?.code ?? "ERROR", lines: e.locations?.map((l) => l.line) }));
  (function visit(value) {
    for (const [name, inner] of Object.entries(value ?? {})) {
      if (name === "userErrors" && Array.isArray(inner)) found.push(...inner);
      else if (typeof inner === "object") visit(inner);
    }
  })(json?.data);
  return found;
}

export function problemRow({ code, message, path, docUrl }) {
  const row = element("li", {}, element("b", { class: "chip" }, code ?? "REFUSED"), " ", ...prose(message));
  if (path?.length) row.append(" ", element("code", {}, path.join(".")));
  if (/^https?:/.test(docUrl ?? "")) row.append(" ", element("a", { href: docUrl, target: "_blank", rel: "noopener noreferrer" }, "What does it mean?"));
  return row;
}

function refused(tokens) {
  const code = tokens.filter((t) => t.kind !== "space");
  code.forEach((token, i) => {
    if (token.text !== '"userErrors"' || token.kind !== "key" || code[i + 2]?.text !== "[" || code[i + 3]?.text === "]") return;
    let depth = 0;
    for (let at = i; at < code.length && (at < i + 3 || depth > 0); at++) {
      depth += /^[[{]$/.test(code[at].text) - /^[\]}]$/.test(code[at].text);
      code[at].refused = true;
    }
  });
  return tokens;
}
