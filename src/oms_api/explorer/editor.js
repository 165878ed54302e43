// A text editor on a plain textarea: colours in a layer beneath it, line numbers, brackets, indentation, completion.
// The textarea keeps what browsers do well: undo, selection, input methods, screen readers, phones.

import { tokenize } from "./language.js";

const PAIRS = { "{": "}", "(": ")", "[": "]", '"': '"' };

export function element(tag, properties = {}, ...children) {
  const { class: className, ...rest } = properties;
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const [name, value] of Object.entries(rest)) {
    if (name.startsWith("aria-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children);
  return made;
}

/** Text with `code` between backticks. */
export const prose = (text) =>
  (text ?? "").split(/`([^`]+)`/).map((part, i) => (i % 2 ? element("code", {}, part) : part));

/** Coloured text: one span a token. `classOf` may add a class. */
export function paint(tokens, classOf = () => "") {
  return tokens.map((t) => (t.kind === "space" ? t.text
    : element("span", { class: `t-${t.role ?? t.kind} ${t.problem ? "t-problem" : ""} ${classOf(t)}`.trim() }, t.text)));
}

export class Editor {
  constructor(host, { language, label, complete, analyse, changed }) {
    Object.assign(this, { host, language, complete, analyse, changed, marks: [] });
    this.lines = element("div", { class: "lines", "aria-hidden": "true" });
    this.layer = element("pre", { class: "layer", "aria-hidden": "true" });
    this.area = element("textarea", { spellcheck: false, autocomplete: "off", autocapitalize: "off", wrap: "off", "aria-label": label });
    this.area.setAttribute("autocorrect", "off");
    this.list = element("ul", { class: "choices", role: "listbox", id: `${host.id}-choices`, "aria-label": "Completions" });
    this.about = element("div", { class: "about" });
    this.popup = element("div", { class: "popup", hidden: true }, this.list, this.about);
    if (complete) {
      this.area.setAttribute("aria-autocomplete", "list");
      this.area.setAttribute("aria-controls", this.list.id);
    }
    host.append(this.lines, element("div", { class: "stack" }, this.layer, this.area));
    document.body.append(this.popup);
    this.area.addEventListener("input", () => this.typed());
    this.area.addEventListener("keydown", (event) => this.keydown(event));
    this.area.addEventListener("beforeinput", (event) => this.beforeinput(event));
    for (const name of ["blur", "pointerdown"]) this.area.addEventListener(name, () => this.close());
    host.addEventListener("scroll", () => this.close());
    this.draw();
  }

  get text() {
    return this.area.value;
  }

  set text(value) {
    this.area.value = value;
    this.area.setSelectionRange(0, 0);
    this.close();
    this.draw();
  }

  get cursor() {
    return this.area.selectionStart;
  }

  /** Lines (from 1) to show as wrong, until the next change. */
  mark(lines) {
    this.marks = lines;
    this.draw();
  }

  draw() {
    const tokens = tokenize(this.text, this.language);
    this.analyse?.(tokens);
    this.layer.replaceChildren(...paint(tokens), "\n");
    const count = this.text.split("\n").length;
    this.lines.replaceChildren(...Array.from({ length: count }, (_, i) =>
      element("span", { class: this.marks.includes(i + 1) ? "wrong" : "" }, String(i + 1))));
  }

  typed() {
    this.marks = [];
    this.draw();
    this.changed?.();
    const before = this.text[this.cursor - 1] ?? "";
    if (!this.popup.hidden || (!this.quiet && /[\w$@]/.test(before))) this.open(false);
  }

  /** Replaces a range as if it were typed, so that undo works. The last `|` of `text` is where the cursor goes. */
  replace(from, to, text, indented = true) {
    const indent = /^ */.exec(this.text.slice(this.text.lastIndexOf("\n", from - 1) + 1))[0];
    const full = indented ? text.replaceAll("\n", `\n${indent}`) : text;
    const cursor = full.lastIndexOf("|");
    this.quiet = true;
    this.area.focus();
    this.area.setSelectionRange(from, to);
    const plain = full.slice(0, cursor) + full.slice(cursor + 1);
    if (!document.execCommand("insertText", false, plain)) {
      this.area.setRangeText(plain, from, to, "end");
      this.typed();
    }
    this.area.setSelectionRange(from + cursor, from + cursor);
    this.quiet = false;
  }

  /** The whole text, undoable. */
  rewrite(text) {
    this.quiet = true;
    this.area.focus();
    this.area.select();
    if (!document.execCommand("insertText", false, text)) this.text = text;
    this.area.setSelectionRange(0, 0);
    this.quiet = false;
  }

  beforeinput(event) {
    if (this.quiet || event.isComposing) return;
    const { selectionStart: from, selectionEnd: to } = this.area;
    const next = this.text[to] ?? "";
    const last = this.text[from - 1] ?? "";
    const key = event.data;
    const take = (text) => {
      event.preventDefault();
      this.replace(from, to, text);
    };
    if (event.inputType === "insertLineBreak") {
      const line = this.text.slice(this.text.lastIndexOf("\n", from - 1) + 1, from);
      const more = /[{([]\s*$/.test(line) ? "  " : "";
      // `replace` indents by the present line, so only what is more than that is written here.
      take(more && next && next === PAIRS[line.trimEnd().at(-1)] ? `\n${more}|\n` : `\n${more}|`);
    } else if (event.inputType === "deleteContentBackward" && from === to && PAIRS[last] === next && next) {
      event.preventDefault();
      this.replace(from - 1, to + 1, "|");
    } else if (event.inputType !== "insertText" || key?.length !== 1) return;
    else if (from === to && key === next && Object.values(PAIRS).includes(key)) {
      event.preventDefault();
      this.area.setSelectionRange(from + 1, from + 1);
    } else if (key in PAIRS && from !== to) { // around the selection
      event.preventDefault();
      this.replace(from, to, `${key}${this.text.slice(from, to)}${PAIRS[key]}|`, false);
    } else if (key in PAIRS && /^[\s)\]},]?$/.test(next) && (key !== '"' || !/[\w"\\]/.test(last))) take(`${key}|${PAIRS[key]}`);
    else if (key === "}" && /\n {2,}$/.test(this.text.slice(0, from))) {
      event.preventDefault();
      this.replace(from - 2, to, "}|");
    }
  }

  keydown(event) {
    if (event.key === " " && (event.ctrlKey || event.altKey)) {
      event.preventDefault();
      this.open(true);
    } else if (event.key === "/" && (event.ctrlKey || event.metaKey) && this.language === "graphql") {
      event.preventDefault();
      this.toggleComment();
    } else if (this.popup.hidden) return;
    else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const count = this.items.length;
      this.choose((this.chosen + (event.key === "ArrowDown" ? 1 : count - 1)) % count);
    } else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || (event.key === "Tab" && !event.shiftKey)) {
      event.preventDefault();
      this.accept(this.chosen);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      this.close();
    } else if (/^(Arrow|Home|End|Page)/.test(event.key) || event.ctrlKey) this.close();
  }

  toggleComment() {
    const { selectionStart, selectionEnd } = this.area;
    const from = this.text.lastIndexOf("\n", selectionStart - 1) + 1;
    const to = (this.text.indexOf("\n", selectionEnd) + this.text.length + 1) % (this.text.length + 1);
    const rows = this.text.slice(from, to).split("\n");
    const off = rows.every((row) => /^\s*#|^\s*$/.test(row));
    const text = rows.map((row) => (off ? row.replace(/^(\s*)# ?/, "$1") : row.replace(/^(\s*)(?=\S)/, "$1# "))).join("\n");
    this.area.setSelectionRange(from, to);
    this.quiet = true;
    document.execCommand("insertText", false, text);
    this.quiet = false;
  }

  open(asked) {
    const found = this.complete?.(this.text, this.cursor);
    const items = found?.items.slice(0, 200) ?? [];
    const idle = found?.typed ? items[0]?.label === found.typed : !/[$@]/.test(this.text[this.cursor - 1]);
    if (!items.length || (!asked && idle)) return this.close();
    Object.assign(this, { items, found });
    this.list.replaceChildren(...items.map((it, i) => {
      const row = element("li", { role: "option", id: `${this.list.id}-${i}`, class: it.deprecated ? "deprecated" : "" },
        element("span", { class: it.required ? "required" : "" }, it.label), element("small", {}, it.detail));
      row.addEventListener("pointerdown", (event) => {
        event.preventDefault();
        this.accept(i);
      });
      return row;
    }));
    this.popup.hidden = false;
    this.choose(0);
    this.place(found.from);
  }

  choose(index) {
    this.list.children[this.chosen]?.removeAttribute("aria-selected");
    this.chosen = index;
    const row = this.list.children[index];
    row.setAttribute("aria-selected", "true");
    row.scrollIntoView({ block: "nearest" });
    this.area.setAttribute("aria-activedescendant", row.id);
    this.about.replaceChildren(...prose(this.items[index].text));
    this.about.hidden = !this.items[index].text;
  }

  accept(index) {
    const { from, to } = this.found;
    this.close();
    this.replace(from, to, this.items[index].insert);
    this.close();
    if (/[:{[]\s*$/.test(this.text.slice(0, this.cursor)) || this.text[this.cursor - 1] === "(") this.open(true);
  }

  close() {
    this.popup.hidden = true;
    this.chosen = -1;
    this.area.removeAttribute("aria-activedescendant");
  }

  /** Below the character at `offset`, or above it where there is no room. */
  place(offset) {
    const nodes = document.createTreeWalker(this.layer, NodeFilter.SHOW_TEXT);
    let node = nodes.nextNode();
    while (offset >= node.length) { // the layer ends with a line break, so there is always a character
      offset -= node.length;
      node = nodes.nextNode();
    }
    const range = document.createRange();
    range.setStart(node, offset);
    range.setEnd(node, offset + 1); // an empty range has no place at the start of a line
    const at = range.getClientRects()[0];
    const { offsetWidth: width, offsetHeight: height } = this.popup;
    const below = at.bottom + height < innerHeight || at.top < height;
    this.popup.style.left = `${Math.max(4, Math.min(at.left, innerWidth - width - 8))}px`;
    this.popup.style.top = `${below ? at.bottom + 2 : at.top - height - 2}px`;
  }
}
