"""The comparison itself: what it lets pass, and that it can fail."""

from pathlib import Path

import pytest
from graphql import build_schema, parse, print_ast

from .comparison import newly_missing, problems, still_missing
from .coordinates import coordinates, prune, reach
from .files import CONTRACT
from .missing import rewrite

SHOP = """
directive @scope(all: [String!]!) on FIELD_DEFINITION
directive @errors(codes: [ErrorCode!]!) on FIELD_DEFINITION
directive @emits(topics: [String!]!) on FIELD_DEFINITION
directive @cost(weight: Int! = 1, sizedBy: [String!]) on FIELD_DEFINITION
interface Node { id: ID! }
enum ErrorCode { INVALID EXPIRED }
enum OrderStatus { DRAFT CONFIRMED }
type Order implements Node { id: ID! status: OrderStatus! note: String documents: [Document!]! }
type Document { url: String! }
type OrderPayload { order: Order codes: [ErrorCode!]! }
input OrderCreateInput { lines: [String!]! dryRun: Boolean! = false ttlSeconds: Int }
input OrderRef @oneOf { id: ID number: String }
type Query {
  order(by: OrderRef!): Order @scope(all: ["orders:read"])
  orders(first: Int, last: Int): [Order!]! @scope(all: ["orders:read"]) @cost(sizedBy: ["first", "last"])
}
type Mutation {
  orderCreate(input: OrderCreateInput!): OrderPayload!
    @scope(all: ["orders:write"]) @errors(codes: [INVALID, EXPIRED]) @emits(topics: ["order.created"])
}
"""


def changed(*replacements: tuple[str, str]) -> str:
    """SHOP with the first occurrence of each text replaced; the text must be there."""
    sdl = SHOP
    for old, new in replacements:
        assert old in sdl, old
        sdl = sdl.replace(old, new, 1)
    return sdl


def test_a_schema_keeps_its_own_contract() -> None:
    assert problems(SHOP, SHOP) == []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        (" note: String", "", "Field Order.note was removed."),
        (" note: String", " note: String!", "Order.note is String in the contract and String! here."),
        (" note: String", " note: Int", "Order.note is String in the contract and Int here."),
        (
            "dryRun: Boolean! = false",
            "dryRun: Boolean = false",
            "OrderCreateInput.dryRun is Boolean! in the contract and Boolean here.",
        ),
        (
            "(input: OrderCreateInput!)",
            "(input: OrderCreateInput)",
            "Mutation.orderCreate(input:) is OrderCreateInput! in the contract and OrderCreateInput here.",
        ),
        (
            "dryRun: Boolean! = false",
            "dryRun: Boolean! = true",
            "OrderCreateInput.dryRun has changed defaultValue from false to true.",
        ),
        (
            "dryRun: Boolean! = false",
            "dryRun: Boolean!",
            "OrderCreateInput.dryRun defaultValue was removed.",
        ),
        (
            "ttlSeconds: Int",
            "ttlSeconds: Int = null",
            "OrderCreateInput.ttlSeconds added a defaultValue null.",
        ),
        ("(first: Int", "(first: Int = 20", "Query.orders(first:) added a defaultValue 20."),
        (", last: Int", "", "Argument Query.orders(last:) was removed."),
        (", last: Int", ", last: Int, tenant: ID!", "A required argument Query.orders(tenant:) was added."),
        ("ttlSeconds: Int", "ttlSeconds: Int key: ID!", "A required field OrderCreateInput.key was added."),
        ("{ DRAFT CONFIRMED }", "{ CONFIRMED }", "Enum value OrderStatus.DRAFT was removed."),
        ("Order implements Node", "Order", "Order no longer implements interface Node."),
        ("OrderRef @oneOf", "OrderRef", "OrderRef is @oneOf in the contract and not @oneOf here."),
        (
            "type Document {",
            "interface Document {",
            "Document changed from an Object type to an Interface type.",
        ),
        ("weight: Int! = 1", "weight: Int! = 2", "@cost(weight:) has changed defaultValue from 1 to 2."),
        ("weight: Int! = 1", "weight: Float! = 1", "@cost(weight:) is Int! in the contract and Float! here."),
    ],
)
def test_a_part_that_differs_is_named(old: str, new: str, problem: str) -> None:
    assert problem in problems(SHOP, changed((old, new)))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (" note: String", " note: String archived(since: Int!): Boolean"),
        ("type Document", "type Parcel { id: ID! }\ntype Document"),
        (", last: Int", ", last: Int, search: String"),
        ("ttlSeconds: Int", "ttlSeconds: Int reference: String"),
        ("type Mutation {", "type Mutation { orderArchive: Order"),
        ("weight: Int! = 1", "weight: Int! = 1, note: String"),
    ],
)
def test_an_extra_part_that_breaks_nobody_is_welcome(old: str, new: str) -> None:
    assert problems(SHOP, changed((old, new))) == []


def test_a_missing_part_is_forgiven_while_it_is_listed() -> None:
    without = changed((" documents: [Document!]!", ""), ("type Document { url: String! }", ""))
    assert problems(SHOP, without, ["Order.documents"]) == []
    assert problems(SHOP, without) == ["Document was removed.", "Field Order.documents was removed."]


def test_a_part_that_is_listed_but_there_is_named() -> None:
    assert problems(SHOP, SHOP, ["OrderStatus.DRAFT"]) == [
        "OrderStatus.DRAFT is listed as missing, but is there: take it off."
    ]


def test_a_listed_part_that_the_contract_does_not_know_is_named() -> None:
    assert problems(SHOP, SHOP, ["Order.colour"]) == [
        "Order.colour is listed as missing, but the contract does not name it."
    ]


def test_a_type_that_is_built_is_compared_even_where_only_listed_parts_lead_to_it() -> None:
    schema = changed((" documents: [Document!]!", ""), ("{ url: String! }", "{ url: String }"))
    assert problems(SHOP, schema, ["Order.documents"]) == ["Document.url is String! in the contract and String here."]


def test_a_listed_type_does_not_excuse_a_field_of_another_type() -> None:
    schema = changed(("enum OrderStatus { DRAFT CONFIRMED }", ""), ("status: OrderStatus!", "status: String!"))
    assert problems(SHOP, schema, ["OrderStatus"]) == ["Order.status is OrderStatus! in the contract and String! here."]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('["orders:write"]', '["orders:read"]', "Mutation.orderCreate lacks @scope(orders:write)."),
        (
            '["orders:write"]',
            '["orders:write", "x:read"]',
            "Mutation.orderCreate has @scope(x:read) beyond the contract.",
        ),
        (' @scope(all: ["orders:read"])', "", "Query.order lacks @scope."),
        ("[INVALID, EXPIRED]", "[INVALID]", "Mutation.orderCreate lacks @errors(EXPIRED)."),
        (' @emits(topics: ["order.created"])', "", "Mutation.orderCreate lacks @emits(order.created)."),
        ('"first", "last"', '"first"', "Query.orders lacks @cost(last)."),
        (
            "@cost(sizedBy",
            "@cost(weight: 5, sizedBy",
            "Query.orders has @cost(weight=5) beyond the contract.",
        ),
        (
            "note: String",
            'note: String @emits(topics: ["a"])',
            "Order.note has @emits(a) beyond the contract.",
        ),
    ],
)
def test_an_applied_directive_that_differs_is_named(old: str, new: str, problem: str) -> None:
    assert problem in problems(SHOP, changed((old, new)))


def test_an_applied_directive_is_compared_by_value_and_not_by_spelling() -> None:
    assert (
        problems(
            SHOP,
            changed(
                ("@cost(sizedBy: [", "@cost(weight: 1, sizedBy: ["),
                ("[INVALID, EXPIRED]", "[EXPIRED, INVALID]"),
            ),
        )
        == []
    )


def test_a_code_that_is_not_refused_yet_may_be_listed() -> None:
    schema = changed(("[INVALID, EXPIRED]", "[INVALID]"))
    assert problems(SHOP, schema, ["Mutation.orderCreate@errors(EXPIRED)"]) == []


def test_a_missing_enum_value_takes_its_code_with_it() -> None:
    schema = changed(("{ INVALID EXPIRED }", "{ INVALID }"), ("[INVALID, EXPIRED]", "[INVALID]"))
    assert problems(SHOP, schema, ["ErrorCode.EXPIRED"]) == []


def test_a_missing_argument_takes_its_cost_with_it() -> None:
    schema = changed((", last: Int", ""), ('"first", "last"', '"first"'))
    assert problems(SHOP, schema, ["Query.orders(last:)"]) == []


def test_a_missing_directive_takes_its_applications_with_it() -> None:
    schema = changed(
        ("directive @emits(topics: [String!]!) on FIELD_DEFINITION", ""),
        (' @emits(topics: ["order.created"])', ""),
    )
    assert problems(SHOP, schema, ["@emits"]) == []


def test_a_scope_is_never_missing() -> None:
    schema = changed((' @scope(all: ["orders:read"])', ""))
    assert problems(SHOP, schema, ["Query.order@scope"]) == [
        "Query.order@scope is listed as missing, but a scope never may."
    ]
    assert still_missing(SHOP, schema) == set()


def test_an_output_enum_value_beyond_the_contract_is_announced() -> None:
    schema = changed(("{ DRAFT CONFIRMED }", "{ DRAFT CONFIRMED LOST }"))
    assert problems(SHOP, schema) == ["OrderStatus.LOST is beyond the contract: announce it before it is sent."]
    assert problems(SHOP, schema, announced=["OrderStatus.LOST"]) == []


def test_an_announcement_of_nothing_is_named() -> None:
    assert problems(SHOP, SHOP, announced=["OrderStatus.LOST"]) == [
        "OrderStatus.LOST is announced, but is no output enum value of ours."
    ]


def test_an_enum_value_that_is_only_sent_to_us_needs_no_announcement() -> None:
    contract = changed(
        ("ttlSeconds: Int", "policy: Policy"), ("type Document", "enum Policy { REJECT }\ntype Document")
    )
    assert problems(contract, contract.replace("{ REJECT }", "{ REJECT WAIT }")) == []


def test_the_list_names_the_first_missing_part_of_each_path() -> None:
    schema = "type Query { order(by: OrderRef!): Order } type Order { id: ID! } input OrderRef @oneOf { id: ID }"
    listed = still_missing(SHOP, schema)
    assert listed == {
        "@cost", "@emits", "@errors", "@scope", "Mutation", "Node", "Order.documents", "Order.note",
        "Order.status", "OrderRef.number", "Query.orders",
    }  # fmt: skip
    assert problems(SHOP, schema, listed) == []


def test_going_deeper_is_no_growth_but_losing_a_built_part_is() -> None:
    assert newly_missing(SHOP, {"Query.orders"}, {"Query.orders(last:)"}) == set()
    assert newly_missing(SHOP, {"Query.orders"}, {"Query.orders", "Order.note"}) == {"Order.note"}


def test_the_list_is_rewritten_only_when_it_does_not_grow(tmp_path: Path) -> None:
    contract, schema, listing = (tmp_path / name for name in ("contract.graphql", "schema.graphql", "missing.txt"))
    contract.write_text(SHOP)
    schema.write_text(changed((" note: String", "")))
    listing.write_text("Order.documents\n")
    assert rewrite(contract, schema, listing, grow=False) == {"Order.note"}
    assert listing.read_text() == "Order.documents\n"
    assert rewrite(contract, schema, listing, grow=True) == set()
    assert listing.read_text().splitlines()[1:] == ["Order.note"]
    schema.write_text(SHOP)
    assert rewrite(contract, schema, listing, grow=False) == set()
    assert listing.read_text().splitlines()[1:] == []


def test_every_type_of_the_real_contract_is_reached_from_its_roots() -> None:
    contract = build_schema(CONTRACT.read_text(encoding="utf-8"))
    assert reach(contract, lambda _: False).found == coordinates(contract)


def test_the_real_contract_keeps_itself() -> None:
    sdl = CONTRACT.read_text(encoding="utf-8")
    assert problems(sdl, sdl) == []


@pytest.mark.parametrize(
    "coordinate",
    [
        "@emits", "Mutation.orderEdit", "Subscription", "ShippingInput.buyLabel", "Fulfillment.documents",
        "Query.orders(search:)", "ErrorCode.EXPIRED", "Sku implements HasMetadata",
    ],
)  # fmt: skip
def test_a_part_taken_out_of_the_real_contract_is_all_that_is_listed(coordinate: str) -> None:
    sdl = CONTRACT.read_text(encoding="utf-8")
    document = parse(sdl)
    kept = reach(build_schema(sdl), {coordinate}.__contains__).found
    schema = print_ast(prune(document, kept))
    if coordinate == "@emits":
        schema = "\n".join(line.partition(" @emits")[0] for line in schema.splitlines())
    elif coordinate == "ErrorCode.EXPIRED":
        schema = schema.replace(", EXPIRED", "").replace("EXPIRED, ", "")
    assert still_missing(sdl, schema) == {coordinate}
    assert problems(sdl, schema, [coordinate]) == []
