// The page: joins editors, docs, history and the client. Where things are kept: the key and headers in sessionStorage
// (gone with the tab), operations and variables in localStorage, nothing anywhere else.

import { coloured, problemRow, problemsIn, statusLine } from "./answer.js";
import { curl, send, trouble } from "./client.js";
import { completeGraphql, completeVariables } from "./complete.js";
import { Docs } from "./docs.js";
import { Editor, element, prose } from "./editor.js";
import { definitions, lineOf, operationAt, prettify, rootField, titleOf, tokenize } from "./language.js";
import { exampleOf, INTROSPECTION, newKey, prune, Schema, walk } from "./schema.js";
import { local, parsed, session } from "./store.js";

const $ = (id) => document.getElementById(id);
const HISTORY = 30;
const KEPT = 20; // last messages of a subscription that are shown
const state = { schema: null, running: null, examples: [], loaded: "", answer: "", key: "" };

function hint(text, kind = "") {
  $("hint").className = kind;
  $("hint").replaceChildren(...prose(text));
}
function notice(text, kind = "wrong") {
  $("notice").hidden = !text;
  $("notice").className = kind;
  $("notice").replaceChildren(...prose(text));
}

// --- editors

function reportProblem(tokens, editor, what) {
  for (const token of tokens) { // not yet a mistake while it is being typed
    if (token.problem && document.activeElement === editor?.area && token.start < editor.cursor && editor.cursor <= token.end) token.problem = "";
  }
  const wrong = tokens.find((t) => t.problem);
  if (editor && editor.problem !== wrong?.problem) hint(wrong ? `${what}, line ${lineOf(editor.text, wrong.start)}: ${wrong.problem}` : "", wrong ? "wrong" : "");
  if (editor) editor.problem = wrong?.problem;
}

const keep = () => local.set("draft", JSON.stringify({ document: operation.text, variables: variables.text, loaded: state.loaded }));

const operation = new Editor($("operation"), {
  language: "graphql", label: "GraphQL operation",
  complete: (text, cursor) => state.schema && completeGraphql(text, cursor, state.schema),
  analyse(tokens) {
    walk(tokens, state.schema);
    reportProblem(tokens, this, "Operation");
  },
  changed() {
    keep();
    variables.draw();
  },
});
const variables = new Editor($("variables"), {
  language: "json", label: "Variables as JSON",
  complete: (text, cursor) => state.schema && completeVariables(text, cursor, state.schema, operation.text),
  analyse(tokens) {
    if (!state.schema) return;
    const declared = walk(tokenize(operation.text, "graphql"), state.schema).variables;
    const inputFields = [...declared].map(([name, type]) => ({ name, type: state.schema.parseType(type) }));
    walk(tokens, state.schema, [{ kind: "list", type: { inputFields } }]);
    for (const token of tokens) if (token.role !== "argument") delete token.role;
    reportProblem(tokens, this, "Variables");
  },
  changed: keep,
});
const headers = new Editor($("headers"), { language: "json", label: "Headers as JSON", changed: () => session.set("headers", headers.text) });

/** Puts an operation into the editors; what stood there goes to the history unless it was never touched. */
function load({ document: text, variables: values }) {
  if (operation.text.trim() && operation.text + variables.text !== state.loaded) remember();
  operation.text = text;
  variables.text = values;
  operation.draw();
  state.loaded = text + values;
  keep();
}

// --- schema, key, examples

async function loadSchema() {
  const key = state.key;
  if (!key) {
    setSchema(null, "");
    notice("Paste an API key to begin. `make demo` and `oms dev` print one, `oms keys create` makes more.", "info");
    return;
  }
  $("state").textContent = "Reading the schema…";
  const result = await send({ query: INTROSPECTION }, { key });
  if (key !== state.key) return; // a newer key is being tried
  const problem = trouble(result);
  const data = result.json?.data?.__schema;
  setSchema(data ? new Schema(data) : null, data ? "Connected" : "Not connected");
  notice(data ? "" : problem ?? `The schema could not be read: ${result.json.errors?.[0]?.message ?? `status ${result.status}`}`);
}

function setSchema(schema, words) {
  state.schema = schema;
  $("state").textContent = words;
  $("state").classList.toggle("good", Boolean(schema));
  docs.show(schema);
  operation.draw();
  variables.draw();
  drawExamples();
}

function setKey(key) {
  state.key = $("key").value = key.trim();
  session.set("key", state.key);
  return loadSchema();
}

function parseExamples(text) {
  return text.split(/^## /m).slice(1).map((block) => {
    const [title, ...rows] = block.split("\n");
    const values = rows.filter((row) => row.startsWith("#|")).map((row) => row.slice(2)).join("\n").trim();
    return { title, document: rows.filter((row) => !row.startsWith("#|")).join("\n"), variables: values || "{}" };
  });
}

function drawExamples() {
  const offered = state.examples.filter((example) => {
    const [first] = definitions(example.document);
    return !state.schema || state.schema.field(state.schema.roots[first.kind], rootField(first));
  });
  $("examples").replaceChildren(...offered.map((example) => {
    const button = element("button", { type: "button" }, example.title);
    button.addEventListener("click", () => {
      $("examples").hidePopover();
      load(ready(example));
      operation.area.focus();
    });
    return button;
  }));
}

function ready({ document: text, variables: values }) {
  const known = state.schema ? prune(tokenize(text, "graphql"), state.schema) : text;
  const object = parsed(values.replaceAll("{{key}}", newKey()), {});
  return { document: prettify(known), variables: JSON.stringify(object, null, 2) };
}

// --- running

function jsonOf(editor, what) {
  if (!editor.text.trim()) return {};
  try {
    const value = JSON.parse(editor.text);
    if (value === null || typeof value !== "object" || Array.isArray(value)) throw new SyntaxError("an object is needed");
    return value;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    show(editor === variables ? "variables" : "headers");
    const place = /position (\d+)/.exec(error.message);
    if (place) editor.mark([lineOf(editor.text, Number(place[1]))]);
    throw new SyntaxError(`${what} are not valid JSON: ${error.message}`);
  }
}

function request() {
  const chosen = operationAt(operation.text, operation.cursor);
  if (!chosen.text.trim()) throw new SyntaxError("There is nothing to run yet. Choose one of the examples.");
  const body = { query: chosen.text };
  const values = jsonOf(variables, "Variables");
  if (Object.keys(values).length) body.variables = values;
  if (chosen.name) body.operationName = chosen.name;
  return { body, more: jsonOf(headers, "Headers"), live: chosen.kind === "subscription" };
}

async function run() {
  if (state.running) {
    state.running.abort();
    return;
  }
  let asked;
  try {
    asked = request();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    hint(error.message, "wrong");
    return;
  }
  if (!state.key) {
    notice("An API key is needed to run this. `make demo` and `oms dev` print one.");
    $("key").focus();
    return;
  }
  hint("");
  remember();
  state.running = new AbortController();
  $("run").textContent = "■ Stop";
  $("status").replaceChildren("Running…");
  const events = [];
  const next = (data, about) => {
    events.unshift(data);
    events.length = Math.min(events.length, KEPT);
    showAnswer({ ...about, json: events, count: (next.count = (next.count ?? 0) + 1) });
  };
  const result = await send(asked.body, { key: state.key, headers: asked.more, signal: state.running.signal, next: asked.live ? next : undefined });
  state.running = null;
  $("run").textContent = "▶ Run";
  if (asked.live && (result.streamed || result.stopped)) $("status").append(" · ended");
  else showAnswer(result);
}

function showAnswer(result) {
  const { json } = result;
  const wrong = problemsIn(json);
  $("status").replaceChildren(...statusLine(result));
  notice(result.stopped ? null : trouble(result));
  $("problems").replaceChildren(...wrong.map(problemRow));
  operation.mark(wrong.flatMap((it) => it.lines ?? []));
  state.answer = json ? JSON.stringify(json, null, 2) : result.text ?? "";
  $("copy").disabled = !state.answer;
  $("answer").replaceChildren(...(json ? coloured(state.answer) : [state.answer]));
}

// --- history

const remembered = () => parsed(local.get("history"), []);

function remember() {
  const entry = { document: operation.text, variables: variables.text, at: Date.now() };
  const others = remembered().filter((e) => e.document !== entry.document || e.variables !== entry.variables);
  local.set("history", JSON.stringify([entry, ...others].slice(0, HISTORY)));
  drawHistory();
}

function drawHistory() {
  const entries = remembered();
  $("clear").hidden = !entries.length;
  $("entries").replaceChildren(...entries.map((entry) => {
    const when = new Date(entry.at).toLocaleString([], { dateStyle: "short", timeStyle: "short" });
    const button = element("button", { type: "button" }, element("b", {}, titleOf(entry.document)), element("small", {}, when),
      element("code", {}, entry.variables.replace(/\s+/g, " ").slice(0, 120)));
    button.addEventListener("click", () => {
      load(entry);
      leavePanel();
    });
    return element("li", {}, button);
  }));
  if (!entries.length) $("entries").append(element("li", { class: "hint" }, "Operations that you run appear here."));
}

// --- panels and buttons

const docs = new Docs($("docs"), (kind, field) => {
  const { document: text, variables: values } = exampleOf(state.schema, kind, field);
  load({ document: prettify(text), variables: JSON.stringify(values, null, 2) });
  leavePanel();
  operation.area.focus();
});

function panel(name) {
  $("side").hidden = !name;
  for (const one of ["docs", "history"]) {
    $(one).hidden = one !== name;
    $(`show-${one}`).setAttribute("aria-pressed", String(one === name));
  }
  local.set("panel", name);
}

/** On a small screen the panel lies over the editor. */
const leavePanel = () => matchMedia("(max-width: 1000px)").matches && panel("");

function show(name) {
  for (const one of ["variables", "headers"]) {
    $(one).hidden = one !== name;
    $(`show-${one}`).setAttribute("aria-pressed", String(one === name));
  }
}

async function copy(text, said) {
  try {
    await navigator.clipboard.writeText(text);
    hint(said);
  } catch { // no clipboard on plain http, or not allowed: the old way
    const area = element("textarea", { value: text });
    document.body.append(area);
    area.select();
    hint(document.execCommand("copy") ? said : "The browser does not allow copying.");
    area.remove();
  }
}

function tidy() {
  try {
    if (operation.text.trim()) operation.rewrite(prettify(operation.text));
    for (const editor of [variables, headers]) {
      const value = parsed(editor.text, null);
      if (value) editor.text = JSON.stringify(value, null, 2);
    }
    hint("");
  } catch (error) {
    hint(`Not prettified. ${error.message}`, "wrong");
  }
}

function share() {
  const link = new URL(location.href);
  link.hash = new URLSearchParams({ query: operation.text, variables: variables.text });
  copy(link.href, "Link copied. It holds the operation and its variables, not the key.");
}

/**
 * `#key=…` fills the key, `#query=…&variables=…` the editors; then the fragment leaves the address bar. `run=1` runs at
 * once, but only with a key from the same link: a stranger's link must never act with the visitor's own key.
 */
async function readFragment() {
  const given = new URLSearchParams(location.hash.slice(1));
  if (!["key", "query"].some((name) => given.has(name))) return false;
  history.replaceState(null, "", location.pathname + location.search);
  if (given.has("query")) load({ document: given.get("query"), variables: given.get("variables") || "{}" });
  if (given.has("key")) await setKey(given.get("key"));
  if (given.has("key") && given.has("query") && given.get("run") === "1") await run();
  return given.has("key");
}

const on = (id, event, action) => $(id).addEventListener(event, action);
let typing;
on("key", "input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => setKey($("key").value), 400);
});
on("key-show", "click", () => {
  const shown = $("key").type === "password";
  $("key").type = shown ? "text" : "password";
  $("key-show").setAttribute("aria-pressed", String(shown));
});
on("run", "click", run);
on("prettify", "click", tidy);
on("share", "click", share);
on("curl", "click", () => {
  try {
    const { body, more } = request();
    copy(curl(body, more), "Copied. Set OMS_API_KEY in the shell first.");
  } catch (error) {
    hint(error.message, "wrong");
  }
});
on("copy", "click", () => copy(state.answer, "Answer copied."));
on("clear", "click", () => {
  local.set("history", "[]");
  drawHistory();
});
on("close-side", "click", () => {
  const opener = $("docs").hidden ? "show-history" : "show-docs";
  panel("");
  $(opener).focus();
});
for (const one of ["docs", "history"]) {
  on(`show-${one}`, "click", () => {
    panel($(one).hidden || $("side").hidden ? one : "");
    if (!$("side").hidden) $("close-side").focus();
  });
}
for (const one of ["variables", "headers"]) on(`show-${one}`, "click", () => show(one));
on("examples", "toggle", (event) => {
  if (event.newState !== "open") return;
  const at = $("examples-open").getBoundingClientRect();
  $("examples").style.top = `${at.bottom + 4}px`;
  $("examples").style.left = `${Math.max(8, Math.min(at.left, innerWidth - $("examples").offsetWidth - 8))}px`;
  $("examples").querySelector("button")?.focus();
});
on("examples", "keydown", (event) => {
  const step = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  if (!step) return;
  event.preventDefault();
  document.activeElement[step]?.focus();
});
addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  } else if (event.code === "KeyF" && event.altKey && event.shiftKey) {
    event.preventDefault();
    tidy();
  } else if (event.key === "Escape" && $("side").contains(document.activeElement)) $("close-side").click();
});
addEventListener("hashchange", readFragment);

async function start() {
  const answer = await fetch("explorer/examples.graphql");
  state.examples = parseExamples(await answer.text());
  headers.text = session.get("headers") ?? "{}";
  const draft = parsed(local.get("draft"), null) ?? ready(state.examples[0]);
  state.loaded = draft.loaded ?? draft.document + draft.variables;
  operation.text = draft.document;
  variables.text = draft.variables;
  drawHistory();
  drawExamples();
  panel(local.get("panel") ?? (matchMedia("(min-width: 1250px)").matches ? "docs" : ""));
  leavePanel();
  if (!(await readFragment())) await setKey(session.get("key") ?? "");
}

start();
