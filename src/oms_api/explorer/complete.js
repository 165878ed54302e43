// What may stand at the cursor, by the schema: {from, to, typed, items}, or null where nothing can be said.

import { tokenize } from "./language.js";
import { isLeaf, isRequired, named, nullable, typeText, walk } from "./schema.js";

const COMPOSITE = ["OBJECT", "INTERFACE", "UNION"];
const INPUT = ["SCALAR", "ENUM", "INPUT_OBJECT"];
const BOOLEANS = [{ name: "true" }, { name: "false" }];

// In `insert`, `|` marks where the cursor goes and a line break takes the indentation of the line.
const item = (it, insert = it.name, detail = it.type ? typeText(it.type) : "") => ({
  label: it.name, insert: insert.includes("|") ? insert : `${insert}|`, detail,
  text: it.deprecationReason ? `Deprecated: ${it.deprecationReason}` : it.description ?? "", deprecated: it.isDeprecated,
});

function opener(schema, ref, json) {
  const inner = nullable(ref);
  const type = schema.typeOf(inner);
  if (inner.kind === "LIST") return `[${opener(schema, inner.ofType, json)}]`;
  if (type?.kind === "INPUT_OBJECT") return json ? "{\n  |\n}" : "{ | }";
  const quoted = json ? !["Int", "Float", "Boolean", "JSON"].includes(type?.name) : ["String", "ID"].includes(type?.name);
  return quoted ? '"|"' : "|";
}

function fieldItem(schema, field, bare) {
  const needs = field.args.filter(isRequired);
  const args = needs.length ? `(${needs.map((arg, i) => `${arg.name}: ${i ? "" : "|"}`).join(", ")})` : "";
  const block = isLeaf(schema.typeOf(field.type)) ? "" : args ? " {\n  \n}" : " {\n  |\n}";
  return item(field, bare ? field.name : field.name + args + block);
}

function values(schema, ref, json) {
  const type = schema.typeOf(ref);
  const inner = nullable(ref);
  if (inner.kind === "LIST") return [item({ name: "[ ]" }, opener(schema, inner, json), typeText(ref))];
  if (type?.kind === "INPUT_OBJECT") return [item({ name: "{ }", description: type.description }, opener(schema, inner, json), typeText(ref))];
  const quote = (name) => (json ? `"${name}"` : name);
  const known = type?.kind === "ENUM" ? type.enumValues.map((v) => item(v, quote(v.name), type.name))
    : type?.name === "Boolean" ? BOOLEANS.map((v) => item(v)) : [];
  return known.concat(ref.kind === "NON_NULL" || !known.length ? [] : [item({ name: "null" })]);
}

function inputItems(schema, frame, json) {
  return (frame.inputs ?? []).filter((input) => !frame.used.includes(input.name)).map((input) => {
    const made = item(input, `${json ? `"${input.name}"` : input.name}: ${opener(schema, input.type, json)}`);
    return { ...made, required: isRequired(input) };
  });
}

/** Starts with what was typed, then contains it; required ones first while nothing is typed. */
function matching(items, typed) {
  const word = typed.toLowerCase();
  const rank = (it) => (it.label.toLowerCase().startsWith(word) ? 0 : 1) - (it.required ? 0.5 : 0);
  return items.filter((it) => it.label.toLowerCase().includes(word)).sort((a, b) => rank(a) - rank(b));
}

export function completeGraphql(text, cursor, schema) {
  const tokens = tokenize(text.slice(0, cursor), "graphql");
  const last = tokens.at(-1);
  if (last?.kind === "comment" || (last?.kind === "string" && !/^(""".*"""|"([^"\\]|\\.)*")$/s.test(last.text))) return null;
  const typed = last?.kind === "name" ? last.text : "";
  if (typed) tokens.pop();
  const { frames, variables, previous, before } = walk(tokens, schema);
  const frame = frames.at(-1);
  const types = (kinds) => [...schema.types.values()].filter((t) => kinds.includes(t.kind) && !t.name.startsWith("__"));
  const bare = /^\w*\s*[({:]/.test(text.slice(cursor)); // arguments or a selection stand there already
  let items = [];
  if (previous === "@") items = [...schema.directives.values()].filter((d) => d.locations.includes("FIELD")).map((d) => item(d, `${d.name}(|)`));
  else if (previous === "$") items = frame.kind === "variables" ? [] : [...variables].map(([name, type]) => item({ name }, name, type));
  else if (previous === "..." || (previous === "on" && (before === "..." || frame.kind === "document"))) {
    const within = frame.type?.possibleTypes?.map((t) => t.name);
    const on = types(COMPOSITE).filter((t) => !within || within.includes(t.name)).map((t) => item(t, previous === "on" ? t.name : `on ${t.name} {\n  |\n}`));
    const spreads = [...text.matchAll(/\bfragment\s+(\w+)\s+on\b/g)].map(([, name]) => item({ name, description: "Fragment of this document." }));
    items = previous === "on" ? on : [...spreads, ...(within || !frame.type ? on : [])];
  } else if (frame.kind === "selection") items = schema.fields(frame.type).map((field) => fieldItem(schema, field, bare));
  else if (frame.kind === "variables") items = frame.typing ? types(INPUT).map((t) => item(t, t.name, t.kind.toLowerCase().replace("_", " "))) : [];
  else if (frame.kind === "document") {
    items = frame.keyword ? [] : Object.entries(schema.roots).filter(([, type]) => type).map(([name, type]) => item({ name, description: type.description }, `${name} {\n  |\n}`))
      .concat(item({ name: "fragment" }, "fragment | on "));
  } else if (frame.kind !== "list" && !frame.value) items = inputItems(schema, frame, false).map((it) => (bare ? { ...it, insert: `${it.label}|` } : it));
  else {
    const ref = frame.kind === "list" ? frame.type : frame.current?.type;
    if (!ref) return null;
    const fits = [...variables].filter(([, type]) => type.replace(/[[\]!]/g, "") === named(ref).name);
    items = [...fits.map(([name, type]) => item({ name: `$${name}` }, `$${name}`, type)), ...values(schema, ref, false)];
  }
  return { from: cursor - typed.length, to: cursor, typed, items: matching(items, typed) };
}

/** The variables pane: the root object's fields are the variables that the operation declares. */
export function completeVariables(text, cursor, schema, operation) {
  const declared = walk(tokenize(operation, "graphql"), schema).variables;
  const inputFields = [...declared].map(([name, type]) => ({ name, type: schema.parseType(type), description: "Variable of the operation." }));
  const all = tokenize(text, "json");
  const inside = all.find((t) => t.start < cursor && cursor < t.end && (t.kind === "string" || t.kind === "key"))
    ?? all.find((t) => t.end === cursor && (t.kind === "bad" || t.kind === "literal" || (t.kind === "string" && !/^"[^"]*"$/.test(t.text))));
  const from = inside?.start ?? cursor;
  const typed = text.slice(from, cursor).replace(/^"/, "");
  const ends = inside ? inside.end : cursor;
  const { frames } = walk(all.filter((t) => t.end <= from), schema, [{ kind: "list", type: { inputFields } }]);
  const frame = frames.at(-1);
  if (frames.length === 1) return text.trim() ? null : { from, to: ends, typed, items: [item({ name: "{ }" }, "{\n  |\n}")] };
  let items;
  if (frame.kind === "object" && !frame.value) {
    items = inputItems(schema, frame, true);
    if (/^\s*:/.test(text.slice(ends))) items = items.map((it) => ({ ...it, insert: `"${it.label}"|` }));
  } else {
    const ref = frame.kind === "list" ? frame.type : frame.current?.type;
    items = ref ? values(schema, ref, true) : [];
  }
  return { from, to: ends, typed, items: matching(items, typed) };
}
