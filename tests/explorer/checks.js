// Checks of the explorer's modules in a real browser; `test_browser.py` opens checks.html and reads what stands there.

import { problemsIn } from "./explorer/answer.js";
import { curl, send } from "./explorer/client.js";
import { completeGraphql, completeVariables } from "./explorer/complete.js";
import { Editor } from "./explorer/editor.js";
import { operationAt, prettify, tokenize } from "./explorer/language.js";
import { exampleOf, INTROSPECTION, prune, Schema, scopesIn, walk } from "./explorer/schema.js";

const key = new URLSearchParams(location.search).get("key");

function check(sentence, got, wanted) {
  const row = document.createElement("li");
  const [is, should] = [got, wanted].map((value) => JSON.stringify(value));
  row.textContent = is === should ? `ok: ${sentence}` : `WRONG: ${sentence}: got ${is}, wanted ${should}`;
  document.getElementById("checks").append(row);
}

const refusal = (action) => {
  try {
    return action() && "accepted";
  } catch (error) {
    return error.message;
  }
};

const { json } = await send({ query: INTROSPECTION }, { key });
const schema = new Schema(json.data.__schema);
const labels = (found) => found?.items.map((it) => it.label);
const at = (text) => labels(completeGraphql(text.replace("|", ""), text.indexOf("|"), schema));

// completion: `|` is the cursor
check("fields of the type at the cursor", at("{ viewer { ten|"), ["tenant"]);
check("what contains the word comes after what starts with it", at("{ viewer { r|").slice(0, 2), ["rateLimit", "serverVersion"]);
check("fields inside an inline fragment", at('{ node(id: "x") { ... on Order { numb|').slice(0, 1), ["number"]);
check("arguments not given yet", at('{ orders(search: "x", f|'), ["first", "after", "before"]);
check("required input fields first", at("{ availability(input: {|").slice(0, 2), ["skus", "channel"]);
check("values of an enum", at("{ orders(orderBy: [{ key: N|"), ["NUMBER", "PROMISED_ON"]);
check("variables of the fitting type", at("query Q($a: OrderRef!, $b: Int) { order(by: |")[0], "$a");
check("input types for a variable", at("query Q($a: [OrderLineInp|"), ["OrderLineInput"]);
check("only implementations of an interface", at('{ node(id: "x") { ... on Availab|'), []);
check("directives", at("{ viewer @sk|"), ["skip"]);
check("operations at the top", at("muta|"), ["mutation"]);
check("nothing in a comment", at("{ # view|"), undefined);
check("nothing in a string", at('{ orders(search: "fir|'), undefined);
check("a composite field brings its required arguments and a block",
  completeGraphql("{ ord", 5, schema).items[0].insert, "order(by: |) {\n  \n}");
const asking = "query Q($input: AvailabilityInput!) { availability(input: $input) { asOf } }";
check("variables of the operation in the JSON", labels(completeVariables("{ ", 2, schema, asking)), ["input"]);
check("input fields in the JSON", labels(completeVariables('{"input": {"dest"}}', 16, schema, asking)), ["destination"]);
check("mistakes are named", (() => {
  const tokens = tokenize("{ viewer { tenantt } orders(frist: 1) { nodes { id } } }", "graphql");
  walk(tokens, schema);
  return tokens.filter((t) => t.problem).map((t) => t.problem);
})(), ['Viewer has no field "tenantt"', 'no argument is called "frist"']);

// formatting
check("one layout", prettify('query A($a:Int=1){orders(first:$a,search:"x"){nodes{id number}pageInfo{\nhasNextPage}}}'),
  'query A($a: Int = 1) {\n  orders(first: $a, search: "x") {\n    nodes { id number }\n    pageInfo {\n      hasNextPage\n    }\n  }\n}');
check("comments stay", prettify("{ # one\n # two\n a }"), "{ # one\n  # two\n  a\n}");
check("long arguments break", prettify(`{ a(input: { text: "${"x".repeat(80)}" }) }`).split("\n").length, 7);
check("formatting twice changes nothing", prettify(prettify(asking)), prettify(asking));
check("a missing bracket is refused", refusal(() => prettify("{ a")), 'Line 1: 1 closing "}" missing');
check("a stray bracket is refused", refusal(() => prettify("{ a(b: 1} }")), 'Line 1: "}" closes nothing');
check("only the operation at the cursor is sent, on its own lines",
  operationAt("query A { a }\nquery B { ...F }\nfragment F on X { f }\nfragment G on X { g }", 20),
  { text: `${" ".repeat(13)}\nquery B { ...F }\nfragment F on X { f }`, kind: "query", name: "B" });

// examples from the schema
const create = exampleOf(schema, "mutation", schema.roots.mutation.fields.find((f) => f.name === "orderConfirm"));
check("an example asks for the payload", create.document.startsWith("mutation OrderConfirm($input: OrderConfirmInput!)"), true);
check("its variables hold what is required", Object.keys(create.variables.input), ["idempotencyKey", "order"]);
check("of a @oneOf input, one field", create.variables.input.order, { id: "" });
check("unknown fields, arguments and what hangs on them are left out",
  prettify(prune(tokenize('{ gone(a: {b: 1}) { x } viewer(y: "1") { tenant lost } }', "graphql"), schema)),
  "{\n  viewer {\n    tenant\n  }\n}");
check("scopes in a description", scopesIn("Needs `orders:read` and `payments:write`."), ["orders:read", "payments:write"]);

// client
check("user errors are found at any depth", problemsIn({ data: { a: { b: [{ userErrors: [{ code: "X" }] }] } } }), [{ code: "X" }]);
check("the shell command quotes and holds no key", curl({ query: "it's" }, {}).includes(`'{"query":"it'\\''s"}'`) && !curl({}, {}).includes(key), true);
const seen = [];
await send({ query: "subscription { events { topic } }" }, { key, next: (data) => seen.push(data.data.events.sequence) });
check("every message of a stream", seen, [1, 2, 3]);

// editor
const host = document.createElement("div");
host.id = "sample";
host.className = "editor";
host.style.cssText = "position: fixed; inset: 0 auto auto 0; width: 300px; height: 200px";
document.body.append(host);
const offer = (_, cursor) => ({ from: cursor, to: cursor, typed: "", items: [{ label: "a", insert: "a|", text: "" }] });
const editor = new Editor(host, { language: "graphql", label: "Sample", complete: offer });
const type = (text) => {
  editor.area.focus();
  for (const data of text) {
    const inputType = data === "\n" ? "insertLineBreak" : "insertText";
    const event = new InputEvent("beforeinput", { inputType, data: data === "\n" ? null : data, cancelable: true });
    if (editor.area.dispatchEvent(event)) document.execCommand("insertText", false, data);
  }
  return editor.text;
};
check("brackets close and lines indent", type("{\nviewer {\na"), "{\n  viewer {\n    a\n  }\n}");
check("a typed closing bracket steps over the one that is there", [(editor.text = ""), type('f(a: "x")')][1], 'f(a: "x")');

const tops = ["{}", "\n{}"].map((text) => {
  editor.text = text;
  editor.area.setSelectionRange(0, 0);
  editor.open(true);
  return Number.parseInt(editor.popup.style.top);
});
check("the list opens below the cursor, on an empty line too", [tops[0] > 0, tops[1]], [true, tops[0]]);
editor.accept(0);
check("the chosen item is typed at the cursor", editor.text, "a\n{}");

document.getElementById("done").textContent = "all checks ran";
