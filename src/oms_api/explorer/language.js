// GraphQL and JSON as token streams: what colouring, completion and formatting share. No schema in here.

const GRAMMAR = {
  graphql: /(?<comment>#[^\n]*)|(?<string>"""(?:\\"""|[^])*?"""|"(?:\\.|[^"\\\n])*"?)|(?<number>-?\d[\w.+-]*)|(?<name>[_A-Za-z]\w*)|(?<punct>\.{3}|[{}()[\]:!=@$|&])|(?<space>[\s,\ufeff]+)|(?<bad>.)/g,
  json: /(?<key>"(?:\\.|[^"\\\n])*"(?=\s*:))|(?<string>"(?:\\.|[^"\\\n])*"?)|(?<number>-?\d[\d.eE+-]*)|(?<literal>(?:true|false|null)\b)|(?<punct>[{}[\]:])|(?<space>[\s,]+)|(?<bad>\w+|.)/g,
};
const CLOSE = { "(": ")", "[": "]", "{": "}" };
const WIDTH = 88;

/** Every character of `text`, in order: {kind, text, start, end}. */
export function tokenize(text, language) {
  const tokens = [];
  for (const match of text.matchAll(GRAMMAR[language])) {
    const kind = Object.keys(match.groups).find((name) => match.groups[name] !== undefined);
    tokens.push({ kind, text: match[0], start: match.index, end: match.index + match[0].length });
  }
  return tokens;
}

export const lineOf = (text, offset) => text.slice(0, offset).split("\n").length;
const meaningful = (tokens) => tokens.filter((t) => t.kind !== "space" && t.kind !== "comment");

/** Top-level definitions: {kind, name, start, end, tokens}. `kind` is query, mutation, subscription or fragment. */
export function definitions(text) {
  const found = [];
  let depth = 0;
  let current = null;
  for (const token of meaningful(tokenize(text, "graphql"))) {
    current ??= { start: token.start, tokens: [] };
    current.tokens.push(token);
    if (token.text in CLOSE) depth++;
    if (token.kind === "punct" && /[)\]}]/.test(token.text)) depth--;
    current.end = token.end;
    if (depth <= 0 && token.text === "}") {
      depth = 0;
      found.push(current);
      current = null;
    }
  }
  if (current) found.push(current);
  for (const one of found) {
    const [first, second] = one.tokens;
    one.kind = first.text === "{" ? "query" : first.text;
    one.name = second?.kind === "name" && first.text !== "{" ? second.text : "";
  }
  return found;
}

/**
 * The operation at the cursor, with the fragments that it needs. The server takes one operation per document, so
 * everything else becomes blanks: line numbers in its errors stay right.
 */
export function operationAt(text, cursor) {
  const all = definitions(text);
  const operations = all.filter((d) => d.kind !== "fragment");
  const chosen = operations.findLast((d) => d.start <= cursor) ?? operations[0];
  if (operations.length < 2) return { text, kind: chosen?.kind ?? "query", name: chosen?.name ?? "" };
  const keep = new Set([chosen]);
  for (const definition of keep) {
    definition.tokens.forEach((token, i) => {
      const fragment = token.kind === "name" && definition.tokens[i - 1]?.text === "..."
        && all.find((d) => d.kind === "fragment" && d.name === token.text);
      if (fragment) keep.add(fragment);
    });
  }
  let sent = text;
  for (const { start, end } of all.filter((d) => !keep.has(d))) {
    sent = sent.slice(0, start) + sent.slice(start, end).replace(/[^\n]/g, " ") + sent.slice(end);
  }
  return { text: sent.trimEnd(), kind: chosen.kind, name: chosen.name };
}

/** The first field that a definition selects. */
export function rootField(definition) {
  const open = definition.tokens.findIndex((t, i) => t.text === "{" && definition.tokens[i - 1]?.text !== ":");
  return definition.tokens.slice(open).find((t) => t.kind === "name")?.text ?? "";
}

/** A short title for lists: the operation's name, or its first field. */
export function titleOf(text) {
  const operation = definitions(text).find((d) => d.kind !== "fragment");
  return operation?.name || (operation && rootField(operation)) || "Untitled";
}

/** The document in one layout; comments and single blank lines stay. Throws with the line when brackets don't match. */
export function prettify(text) {
  const tokens = [];
  let gap = 0;
  for (const token of tokenize(text, "graphql")) {
    if (token.kind === "space") gap = token.text.split("\n").length - 1;
    else {
      tokens.push({ ...token, gap });
      gap = 0;
    }
  }
  const fail = (token, what) => {
    throw new Error(`Line ${lineOf(text, token.start)}: ${what}`);
  };
  let at = 0;
  let out = "";
  let depth = 0;
  const pad = (n) => "  ".repeat(n);
  const newline = (blank) => (out = out && out.trimEnd() + (blank ? "\n\n" : "\n") + pad(depth));

  const flat = (part) =>
    typeof part === "string" ? part
      : part.items.length === 0 ? part.open + CLOSE[part.open]
        : part.open === "{" ? `{ ${part.items.map((i) => i.map(flat).join("")).join(", ")} }`
          : part.open + part.items.map((i) => i.map(flat).join("")).join(", ") + CLOSE[part.open];
  const commented = (part) => typeof part !== "string" && (part.comments || part.items.flat().some(commented));

  function render(part, indent, column) {
    const line = flat(part);
    if (typeof part === "string" || (!commented(part) && column + line.length <= WIDTH)) return line;
    const rows = part.items.map((item) => {
      let row = pad(indent + 1);
      for (const one of item) row += render(one, indent + 1, row.length - row.lastIndexOf("\n") - 1);
      return row;
    });
    return `${part.open}\n${rows.join("\n")}\n${pad(indent)}${CLOSE[part.open]}`;
  }

  /** Arguments, variables, lists, objects: items without their commas. `at` stands behind the opening bracket. */
  function group(opener) {
    const made = { open: opener.text, items: [], comments: false };
    let ended = true; // the item so far is complete, so that the next value starts another
    for (;;) {
      const token = tokens[at++];
      if (!token) fail(opener, `no closing bracket for "${opener.text}"`);
      if (token.text === CLOSE[made.open]) return made;
      if (token.kind === "punct" && /^[)\]}]$/.test(token.text)) fail(token, `"${token.text}" closes nothing`);
      if (token.kind === "comment") {
        made.comments = ended = true;
        made.items.push([token.text]);
        continue;
      }
      const opens = token.text in CLOSE && token.kind === "punct";
      if (ended && token.text !== "(" && (opens || token.kind !== "punct" || token.text === "$")) made.items.push([]);
      const item = made.items.at(-1) ?? fail(token, `"${token.text}" is out of place`);
      item.push(opens ? group(token) : { ":": ": ", "=": " = ", "@": " @" }[token.text] ?? token.text);
      ended = opens || token.kind !== "punct" || token.text === "!";
    }
  }

  /** A short selection of bare names that was written on one line stays on it: `{ amount currency }`. */
  function short() {
    const words = [];
    let open = 0;
    for (let i = at - 1; i < tokens.length; i++) {
      const token = tokens[i];
      if ((i >= at && token.gap) || !(token.kind === "name" || token.text === "{" || token.text === "}")) return null;
      words.push(token.text);
      open += (token.text === "{") - (token.text === "}");
      if (open === 0) break;
    }
    const line = words.join(" ");
    return open || line.length > WIDTH / 2 || column() + line.length > WIDTH ? null : { line, count: words.length };
  }
  const column = () => out.length - out.lastIndexOf("\n") - 1;

  let previous = null;
  let before = null;
  while (at < tokens.length) {
    const token = tokens[at++];
    const blank = (depth === 0 && previous?.text === "}") || (token.gap > 1 && previous && previous.text !== "{");
    if (/^[)\]]$/.test(token.text) || (token.text === "}" && depth === 0)) fail(token, `"${token.text}" closes nothing`);
    if (token.text === "}") {
      depth--;
      newline();
    } else if (token.kind === "comment" && token.gap === 0 && previous) out += " ";
    else if (token.kind === "comment" || !previous || previous.kind === "comment") newline(blank);
    else if (token.text === "@" || (token.text === "{" && previous.text !== "}")) out += " ";
    else if (token.text !== "(" && token.text !== ":" && previous.text !== "@") {
      const spread = previous.text === "..." && token.text !== "on";
      const follows = previous.text === ":" || previous.text === "..." || (previous.text === "on" && before?.text === "...");
      if (follows || (depth === 0 && previous.text !== "}")) out += spread ? "" : " ";
      else newline(blank);
    }
    const inline = token.text === "{" && depth > 0 ? short() : null;
    if (inline) at += inline.count - 1;
    out += inline?.line ?? (token.text === "(" ? render(group(token), depth, column()) : token.text);
    if (token.text === "{" && !inline) depth++;
    before = previous;
    previous = inline ? tokens[at - 1] : token;
  }
  if (depth > 0) fail(tokens.at(-1), `${depth} closing "}" missing`);
  return out.trim();
}
