// The documentation panel: root fields, types and a search over both, all from introspection.

import { element, prose } from "./editor.js";
import { named, scopesIn, typeText } from "./schema.js";

const ROOTS = { query: "Queries", mutation: "Mutations", subscription: "Subscriptions" };
const MOST = 60; // results shown of a search

export class Docs {
  /** `insert(operation, field)` is called when a root field is chosen. */
  constructor(host, insert) {
    this.insert = insert;
    this.path = [];
    this.search = element("input", { type: "search", placeholder: "Search types and fields", "aria-label": "Search the docs" });
    this.body = element("div", { class: "docs-body" });
    this.search.addEventListener("input", () => this.draw());
    host.append(this.search, this.body);
  }

  show(schema) {
    this.schema = schema;
    this.path = this.path.filter((name) => schema?.types.has(name));
    this.draw();
  }

  draw() {
    const word = this.search.value.trim().toLowerCase();
    const type = this.schema?.types.get(this.path.at(-1));
    if (!this.schema) this.body.replaceChildren(element("p", { class: "hint" }, "The docs appear when the server accepts an API key."));
    else if (word) this.body.replaceChildren(...this.results(word));
    else if (type) this.body.replaceChildren(...this.typePage(type));
    else this.body.replaceChildren(...this.start());
    this.body.scrollTop = 0;
  }

  open(name) {
    this.path.push(name);
    this.search.value = "";
    this.draw();
    this.body.querySelector("button")?.focus();
  }

  link(ref) {
    const [before, after] = typeText(ref).split(named(ref).name);
    const button = element("button", { class: "link t-type", type: "button" }, named(ref).name);
    button.addEventListener("click", () => this.open(named(ref).name));
    return element("span", { class: "ref" }, before, button, after);
  }

  /** A field or input: name, arguments, type, description, scopes. With `operation` its name inserts an example. */
  entry(it, operation) {
    const name = operation ? element("button", { class: "root", type: "button", title: "Insert an example" }, it.name) : element("b", {}, it.name);
    if (operation) name.addEventListener("click", () => this.insert(operation, it));
    const head = element("div", { class: "head" }, name, ": ", this.link(it.type));
    if (it.defaultValue != null) head.append(element("span", { class: "default" }, ` = ${it.defaultValue}`));
    const made = element("li", { class: it.isDeprecated ? "deprecated" : "" }, head);
    if (it.isDeprecated) made.append(element("p", {}, "Deprecated: ", ...prose(it.deprecationReason)));
    if (it.description) made.append(element("p", {}, ...prose(it.description)));
    const scopes = operation ? scopesIn(it.description) : [];
    if (scopes.length) made.append(element("p", { class: "chips" }, "Scope ", ...scopes.map((s) => element("span", { class: "chip" }, s))));
    if (it.args?.length) made.append(element("ul", { class: "args" }, ...it.args.map((arg) => this.entry(arg))));
    return made;
  }

  section(title, rows) {
    return rows.length ? [element("h3", {}, title), element("ul", {}, ...rows)] : [];
  }

  start() {
    return Object.entries(ROOTS).flatMap(([operation, title]) =>
      this.section(title, (this.schema.roots[operation]?.fields ?? []).map((field) => this.entry(field, operation))));
  }

  typePage(type) {
    const back = element("button", { type: "button", class: "link" }, "← Back");
    back.addEventListener("click", () => {
      this.path.pop();
      this.draw();
    });
    const operation = Object.keys(ROOTS).find((key) => this.schema.roots[key] === type);
    const kind = type.kind.toLowerCase().replace("_", " ");
    return [
      back, element("h2", {}, type.name, element("small", {}, type.isOneOf ? `${kind}, exactly one field` : kind)),
      element("p", {}, ...prose(type.description)),
      ...this.section("Fields", (type.fields ?? []).map((field) => this.entry(field, operation))),
      ...this.section("Input fields", (type.inputFields ?? []).map((field) => this.entry(field))),
      ...this.section("Values", (type.enumValues ?? []).map((value) =>
        element("li", { class: value.isDeprecated ? "deprecated" : "" }, element("code", {}, value.name), element("p", {}, ...prose(value.description))))),
      ...this.section("Possible types", (type.possibleTypes ?? []).map((ref) => element("li", {}, this.link(ref)))),
    ];
  }

  results(word) {
    const hit = (it) => it.name.toLowerCase().includes(word);
    const roots = Object.keys(ROOTS).flatMap((operation) =>
      (this.schema.roots[operation]?.fields ?? []).filter(hit).map((field) => this.entry(field, operation)));
    const types = [...this.schema.types.values()].filter((t) => !t.name.startsWith("__"));
    const rooted = Object.values(this.schema.roots);
    const fields = types.filter((t) => !rooted.includes(t)).flatMap((type) =>
      [...(type.fields ?? type.inputFields ?? type.enumValues ?? [])].filter(hit).map((field) =>
        element("li", {}, this.link(type), ".", element("b", {}, field.name), element("p", {}, ...prose(field.description)))));
    const found = [
      ...this.section("Operations", roots),
      ...this.section("Types", types.filter(hit).map((type) => element("li", {}, this.link(type), element("p", {}, ...prose(type.description))))),
      ...this.section(fields.length > MOST ? `Fields (the first ${MOST} of ${fields.length})` : "Fields", fields.slice(0, MOST)),
    ];
    return found.length ? found : [element("p", { class: "hint" }, `Nothing is called “${word}”.`)];
  }
}
