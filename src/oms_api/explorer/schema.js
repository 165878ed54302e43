// What introspection tells, made easy to ask: types, fields, and what each token of a document means.

const TYPE = "type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
const VALUE = `name description defaultValue ${TYPE}`;

export const INTROSPECTION = `query Introspection {
  __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
      kind name description isOneOf
      fields(includeDeprecated: true) {
        name description isDeprecated deprecationReason ${TYPE} args { ${VALUE} }
      }
      inputFields { ${VALUE} }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      possibleTypes { name }
    }
    directives { name description locations args { ${VALUE} } }
  }
}`;

const TYPENAME = {
  name: "__typename", description: "Name of the object's type.", args: [],
  type: { kind: "NON_NULL", ofType: { kind: "SCALAR", name: "String" } },
};

export const named = (ref) => (ref?.ofType ? named(ref.ofType) : ref);
export const nullable = (ref) => (ref?.kind === "NON_NULL" ? ref.ofType : ref);
export const isRequired = (value) => value.type.kind === "NON_NULL" && value.defaultValue == null;
export const isLeaf = (type) => type?.kind === "SCALAR" || type?.kind === "ENUM";
export const typeText = (ref) =>
  ref.kind === "NON_NULL" ? `${typeText(ref.ofType)}!` : ref.kind === "LIST" ? `[${typeText(ref.ofType)}]` : ref.name;

/** Scopes that a description names: `orders:read`. */
export const scopesIn = (text) => [...new Set(text?.match(/\b[a-z_]+:(?:read|write|manage)\b/g) ?? [])];

export class Schema {
  constructor(answer) {
    this.types = new Map(answer.types.map((type) => [type.name, type]));
    this.directives = new Map(answer.directives.map((directive) => [directive.name, directive]));
    this.roots = {
      query: this.types.get(answer.queryType?.name),
      mutation: this.types.get(answer.mutationType?.name),
      subscription: this.types.get(answer.subscriptionType?.name),
    };
  }

  /** The full type behind a reference, whatever lists and `!` are around it. */
  typeOf(ref) {
    return this.types.get(named(ref)?.name);
  }

  field(type, name) {
    return name === "__typename" ? TYPENAME : type?.fields?.find((field) => field.name === name);
  }

  fields(type) {
    return [...(type?.fields ?? []), TYPENAME];
  }

  /** `[OrderRef!]!` as a reference. */
  parseType(text) {
    if (text.endsWith("!")) return { kind: "NON_NULL", ofType: this.parseType(text.slice(0, -1)) };
    if (text.startsWith("[")) return { kind: "LIST", ofType: this.parseType(text.slice(1, text.endsWith("]") ? -1 : undefined)) };
    return { kind: this.types.get(text)?.kind, name: text };
  }
}

const valueType = (frame) => (frame.kind === "list" ? frame.type : frame.current?.type);

/**
 * Goes through a GraphQL document (or, from a frame of kind "list", a JSON value) and gives each token its `role`, and
 * `problem` where the schema knows no such name. Answers with the open frames, innermost last, and the variables seen.
 */
export function walk(tokens, schema, frames = [{ kind: "document" }]) {
  const code = tokens.filter((t) => t.kind !== "space" && t.kind !== "comment");
  const variables = new Map();
  const inputs = (ref) => (named(ref)?.inputFields ? named(ref) : schema?.typeOf(ref))?.inputFields;
  const done = (frame) => (frame.value = false);

  function name(token, frame, previous, before, next) {
    const text = token.kind === "key" ? token.text.slice(1, -1) : token.text;
    if (previous === "@") {
      token.role = "directive";
      frame.args = schema?.directives.get(text)?.args;
    } else if (previous === "$") {
      token.role = "variable";
      if (frame.kind === "variables") Object.assign(frame, { variable: text, typing: false, value: false });
      else done(frame);
    } else if (frame.kind === "document") {
      if (!frame.keyword) {
        token.role = "keyword";
        Object.assign(frame, { keyword: text, type: schema?.roots[text] });
      } else if (text === "on" && previous !== "fragment") token.role = "keyword";
      else if (previous === "on") {
        token.role = "type";
        frame.type = schema?.types.get(text);
      } else token.role = "definition";
    } else if (frame.kind === "selection") {
      if (previous === "...") token.role = text === "on" ? "keyword" : "definition";
      else if (previous === "on" && before === "...") {
        token.role = "type";
        frame.into = schema?.types.get(text);
      } else if (next === ":") token.role = "alias";
      else {
        token.role = "field";
        const field = schema?.field(frame.type, text);
        if (frame.type && !field) token.problem = `${frame.type.name} has no field "${text}"`;
        Object.assign(frame, { into: field && schema.typeOf(field.type), args: field?.args ?? [] });
      }
    } else if (frame.kind === "variables" && frame.typing) {
      token.role = "type";
      variables.set(frame.variable, (variables.get(frame.variable) ?? "") + text);
    } else if ((frame.kind === "arguments" || frame.kind === "object") && !frame.value) {
      token.role = "argument";
      frame.current = frame.inputs?.find((input) => input.name === text);
      frame.used.push(text);
      const kind = frame.kind === "arguments" ? "argument" : named(frame.type)?.inputFields ? "declared variable" : "input field";
      if (frame.inputs && !frame.current) token.problem = `no ${kind} is called "${text}"`;
    } else {
      token.role = /^(true|false|null)$/.test(text) ? "literal" : "enum";
      done(frame);
    }
  }

  function punctuation(text, frame) {
    if (text === "{" && frame.kind === "document") frames.push({ kind: "selection", type: frame.keyword ? frame.type : schema?.roots.query });
    else if (text === "{" && frame.kind === "selection") frames.push({ kind: "selection", type: frame.into });
    else if (text === "{") frames.push({ kind: "object", inputs: inputs(valueType(frame)), type: valueType(frame), used: [] });
    else if (text === "(" && frame.kind === "document" && !frame.args) frames.push({ kind: "variables" });
    else if (text === "(") frames.push({ kind: "arguments", inputs: frame.args, used: [] });
    else if (text === "[" && !frame.typing) frames.push({ kind: "list", type: nullable(valueType(frame))?.ofType });
    else if (/^[)}\]]$/.test(text) && !frame.typing || text === ")") {
      if (frames.length > 1) frames.pop();
      const parent = frames.at(-1);
      if (parent.kind === "document" && text === "}") frames[frames.length - 1] = { kind: "document" };
      else if (parent.kind !== "document") done(parent);
    } else if (text === "...") Object.assign(frame, { into: frame.type, args: undefined });
    else if (text === ":" && frame.kind === "variables") frame.typing = true;
    else if (text === ":") frame.value = true;
    else if (text === "=" && frame.kind === "variables") {
      const type = variables.get(frame.variable);
      Object.assign(frame, { typing: false, value: true, current: type && schema ? { type: schema.parseType(type) } : undefined });
    } else if (text === "$" && frame.kind === "variables") frame.typing = false;
    if (frame.typing && "[]!".includes(text)) variables.set(frame.variable, (variables.get(frame.variable) ?? "") + text);
  }

  code.forEach((token, i) => {
    const frame = frames.at(-1);
    if (token.kind === "name" || token.kind === "key") name(token, frame, code[i - 1]?.text, code[i - 2]?.text, code[i + 1]?.text);
    else if (token.kind === "punct") punctuation(token.text, frame);
    else done(frame);
  });
  return { frames, variables, previous: code.at(-1)?.text, before: code.at(-2)?.text };
}

const SAMPLES = {
  Int: 1, Float: 1, Boolean: false, DateTime: () => new Date().toISOString().slice(0, 19) + "Z", CurrencyCode: "EUR", JSON: {},
  Date: () => new Date().toISOString().slice(0, 10), Decimal: "1.00", BigInt: "1", LocalTime: "14:00", CountryCode: "DE",
};
export const newKey = () => `explorer-${[...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("")}`;

/** A value that meets the type, with as little as possible in it. */
export function sample(schema, ref, name = "", seen = []) {
  const inner = nullable(ref);
  if (inner.kind === "LIST") return [sample(schema, inner.ofType, name, seen)];
  const type = schema.types.get(inner.name);
  if (type?.kind === "ENUM") return type.enumValues.find((v) => !v.isDeprecated)?.name ?? "";
  if (type?.kind === "INPUT_OBJECT") {
    if (seen.includes(type.name)) return {};
    const all = type.inputFields;
    const wanted = type.isOneOf ? all.slice(0, 1) : all.filter((f) => isRequired(f) || f.name === "idempotencyKey");
    return Object.fromEntries(wanted.map((f) => [f.name, sample(schema, f.type, f.name, [...seen, type.name])]));
  }
  if (name === "idempotencyKey") return newKey();
  const made = SAMPLES[inner.name] ?? "";
  return typeof made === "function" ? made() : made;
}

function selection(schema, type, depth) {
  const rows = [];
  for (const field of type?.fields ?? []) {
    const inner = schema.typeOf(field.type);
    if (field.isDeprecated || field.args.some(isRequired)) continue;
    if (field.name === "edges" && type.fields.some((f) => f.name === "nodes")) continue;
    if (isLeaf(inner)) rows.push(field.name);
    else if (!field.args.length && inner.fields?.length <= 4 && inner.fields.every((f) => isLeaf(schema.typeOf(f.type)))) {
      const names = inner.fields.filter((f) => !f.args.length).map((f) => f.name);
      rows.push(`${field.name} { ${names.join(" ")} }`); // money, page info: values, not objects
    } else if (depth > 0) rows.push(`${field.name} ${selection(schema, inner, depth - 1)}`);
  }
  return `{ ${rows.join("\n") || "__typename"} }`;
}

/** An operation that asks for one root field: {document, variables}, with what is required filled in. */
export function exampleOf(schema, operation, field) {
  const given = field.args.filter((arg) => isRequired(arg) || arg.name === "first" || arg.name === "input");
  const declared = given.map((arg) => `$${arg.name}: ${typeText(arg.type)}${arg.defaultValue == null ? "" : ` = ${arg.defaultValue}`}`);
  const type = schema.typeOf(field.type);
  const wraps = type?.fields?.some((f) => f.name === "userErrors" || f.name === "nodes");
  const title = field.name[0].toUpperCase() + field.name.slice(1);
  const document = `${operation} ${title}${given.length ? `(${declared.join(", ")})` : ""} {
    ${field.name}${given.length ? `(${given.map((arg) => `${arg.name}: $${arg.name}`).join(", ")})` : ""}
    ${isLeaf(type) ? "" : selection(schema, type, wraps ? 1 : 0)} }`;
  const variables = {};
  for (const arg of given.filter((arg) => arg.defaultValue == null)) {
    variables[arg.name] = arg.name === "first" ? 10 : sample(schema, arg.type, arg.name);
  }
  return { document, variables };
}

/** The document less the fields and arguments that this schema doesn't have, so that an example always runs. */
export function prune(tokens, schema) {
  walk(tokens, schema);
  let text = "";
  for (let i = 0; i < tokens.length; i++) {
    if (!tokens[i].problem) {
      text += tokens[i].text;
      continue;
    }
    let depth = 0;
    let value = false; // its arguments, value or selection go with it
    for (; i + 1 < tokens.length; i++) {
      const next = tokens[i + 1];
      const opens = /^[({[]$/.test(next.text);
      if (depth === 0 && next.kind !== "space" && next.text !== ":" && !opens && !value) break;
      value = next.text === ":" || (value && (next.kind === "space" || next.text === "$"));
      depth += opens - /^[)}\]]$/.test(next.text);
    }
    text += "\n";
  }
  return text.replace(/\(\s*\)/g, "");
}
