"""Public ids: readable back, and one answer for everything that is none."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_api.catalog import SKU
from oms_api.kit import ids


@given(st.uuids())
def test_every_uuid_reads_back(value: UUID) -> None:
    text = SKU(value)
    assert len(text) == 4 + 26
    assert SKU.parse(text) == value
    assert ids.decode(text) == ("sku", value)


@pytest.mark.parametrize(
    "text", ["", "sku", "sku_", "sku_" + "z" * 26, "sku_" + "0" * 25, "xyz_" + "0" * 26, "key_" + "1" * 26, "sku_ü" * 6]
)
def test_what_is_no_id_of_this_type_is_nobody(text: str) -> None:
    assert SKU.parse(text) == ids.NOBODY


def test_ids_rise_with_time() -> None:
    made = [ids.new() for _ in range(1000)]
    assert sorted(made) == made
    assert [SKU(id_) for id_ in made] == sorted(SKU(id_) for id_ in made)


def test_a_prefix_is_taken_once() -> None:
    with pytest.raises(ValueError, match="taken"):
        ids.Prefix("sku")


def test_what_is_missing_is_named_and_what_is_no_id_is_not_made_into_one() -> None:
    value = ids.new()
    assert SKU.missing("SKU", value) == f"There is no SKU {SKU(value)}."
    assert SKU.missing("SKU", SKU.parse("nope")) == "That is not the id of a SKU; send one that begins with sku_."
