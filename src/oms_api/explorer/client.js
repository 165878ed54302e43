// Talks to `/graphql`: one request, its measurements, and streams of a subscription.

const ENDPOINT = new URL("graphql", document.baseURI);
const STREAM = "text/event-stream";
const PLAIN = "application/graphql-response+json, application/json;q=0.9";

export const endpoint = ENDPOINT.href;

/** In words, what stands between the visitor and an answer; null when nothing does. */
export function trouble(result) {
  const code = result.json?.errors?.[0]?.extensions?.code;
  const wait = result.retryAfter ? ` Try again in ${result.retryAfter} s.` : "";
  if (result.failed) return `No answer from ${endpoint}. Is the server running? (${result.failed})`;
  if (result.status === 401 || code === "UNAUTHENTICATED") return "The server does not accept this API key. Check it, or make one with `oms keys create`.";
  if (result.status === 429 || code === "THROTTLED") return `Too many requests for this key.${wait}`;
  if (result.status === 503) return `The server is overloaded or its database is away.${wait}`;
  if (result.status === 404 && !result.json) return `There is no GraphQL endpoint at ${endpoint}.`;
  if (!result.json) return `The answer is not JSON (status ${result.status}).`;
  return null;
}

/** {status, json, text, milliseconds, bytes, requestId, retryAfter} or, without an answer, {failed}. */
export async function send(body, { key, headers = {}, signal, next }) {
  const all = new Headers({ "content-type": "application/json", accept: next ? `${STREAM}, ${PLAIN}` : PLAIN });
  if (key) all.set("authorization", `Bearer ${key}`);
  for (const [name, value] of Object.entries(headers)) all.set(name, String(value));
  const started = performance.now();
  try {
    const response = await fetch(ENDPOINT, { method: "POST", headers: all, body: JSON.stringify(body), signal, credentials: "same-origin" });
    const about = { status: response.status, requestId: response.headers.get("x-request-id"), retryAfter: response.headers.get("retry-after") };
    const streamed = next && response.headers.get("content-type")?.startsWith(STREAM);
    const text = streamed ? await follow(response.body, (data) => next(data, about)) : await response.text();
    const milliseconds = performance.now() - started;
    let json = null;
    try {
      json = streamed ? undefined : JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    const requestId = about.requestId ?? json?.extensions?.requestId ?? json?.errors?.[0]?.extensions?.requestId;
    return { ...about, requestId, json, text, streamed, milliseconds, bytes: new Blob([text]).size };
  } catch (error) {
    return { failed: error.name === "AbortError" ? "stopped" : error.message, stopped: error.name === "AbortError" };
  }
}

/** Server-sent events: each `next` with its data, until `complete` or the end. */
async function follow(stream, next) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return "";
    const blocks = (rest + value.replaceAll("\r", "")).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const rows = block.split("\n");
      const data = rows.filter((row) => row.startsWith("data:")).map((row) => row.slice(5).trimStart()).join("\n");
      if (rows.some((row) => /^event: ?complete/.test(row))) return "";
      if (data) next(JSON.parse(data));
    }
  }
}

/** The same request for a shell; the key stays in a variable, never in the text. */
export function curl(body, headers) {
  const quote = (text) => `'${text.replaceAll("'", `'\\''`)}'`;
  const more = Object.entries(headers).map(([name, value]) => `  -H ${quote(`${name}: ${value}`)} \\\n`);
  return `curl -sS ${endpoint} \\\n  -H "Authorization: Bearer $OMS_API_KEY" \\\n  -H 'Content-Type: application/json' \\\n${more.join("")}  -d ${quote(JSON.stringify(body))}`;
}
