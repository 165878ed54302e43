"""What is kept in memory: as of a stamp, and never more than it may be."""

from uuid import UUID

from oms_api.kit.remembered import Remembered

OLD, NEW = UUID(int=1), UUID(int=2)


def test_a_value_is_found_by_its_stamp_and_by_no_other() -> None:
    remembered: Remembered[str, str] = Remembered(2)
    remembered.put("a", OLD, "then")
    assert (remembered.get("a", OLD), remembered.get("a", NEW), remembered.get("b", OLD)) == ("then", None, None)
    remembered.put("a", NEW, "now")
    assert (remembered.get("a", OLD), remembered.get("a", NEW), remembered.last("a")) == (None, "now", (NEW, "now"))


def test_memory_is_bounded_and_the_least_used_goes_first() -> None:
    remembered: Remembered[str, str] = Remembered(6, len)
    remembered.put("one", OLD, "12")
    remembered.put("two", OLD, "123")
    assert remembered.get("one", OLD) == "12"
    remembered.put("three", OLD, "12")
    assert remembered.get("two", OLD) is None
    assert remembered.get("one", OLD) == "12"
    remembered.put("three", OLD, "1" * 100)
    assert [remembered.last(key) for key in ("one", "two", "three")] == [None, None, None]
