"""Positions, distances, zones and the built-in carrier service."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oms_api.promising.rules import zones

AUSTIN, DALLAS = (30.27, -97.74), (32.78, -96.80)


def test_a_known_postal_code_has_its_own_position() -> None:
    assert zones.position("US", "10001") == pytest.approx((40.7506, -73.9972), abs=0.02)
    assert zones.position("US", "55431") == pytest.approx((44.8251, -93.3133), abs=1e-4)


def test_spelling_does_not_matter() -> None:
    assert zones.position("us", " 55431-1234 ") == zones.position("US", "55431")


def test_an_unknown_postal_code_takes_the_mean_of_its_first_three_digits() -> None:
    known = [code for code in zones._us_positions() if len(code) == 5 and code.startswith("554")]
    assert "55499" not in known
    latitudes, longitudes = zip(*(zones._us_positions()[code] for code in known), strict=True)
    assert zones.position("US", "55499") == pytest.approx(
        (sum(latitudes) / len(known), sum(longitudes) / len(known)), abs=1e-9
    )


def test_an_unknown_region_takes_two_digits_then_one() -> None:
    known = zones._us_positions()
    code = next(f"{n:05}" for n in range(100_000) if f"{n:05}"[:3] not in known and f"{n:05}"[:2] in known)
    assert zones.position("US", code) == known[code[:2]]
    code = next(f"{n:05}" for n in range(100_000) if f"{n:05}"[:2] not in known)
    assert zones.position("US", code) == known[code[:1]]


def test_without_a_usable_code_the_country_centre_counts() -> None:
    centre = zones.position("US")
    assert centre == (39.8, -98.6)
    assert zones.position("US", "ABCDE") == centre
    assert zones.position("US", "") == centre
    assert zones.position("DE", "10115") == (51.2, 10.5)


def test_an_unknown_country_has_no_position() -> None:
    assert zones.position("ZZ", "10001") is None


def test_every_country_of_iso_3166_is_there_with_a_position_on_earth() -> None:
    centres = zones._country_centres()
    assert len(centres) == 249
    assert all(len(code) == 2 and code.isupper() for code in centres)
    assert all(-90 <= lat <= 90 and -180 <= lon <= 180 for lat, lon in centres.values())


def test_the_postal_data_is_complete_and_inside_the_us() -> None:
    codes = {code: at for code, at in zones._us_positions().items() if len(code) == 5}
    assert len(codes) == 6063
    assert all(17 < lat < 72 and -177 < lon < -64 for lat, lon in codes.values())


def test_distances_are_great_circles() -> None:
    assert zones.distance_km(AUSTIN, DALLAS) == pytest.approx(293.0, abs=1.0)
    assert zones.distance_km((0.0, 0.0), (0.0, 180.0)) == pytest.approx(math.pi * zones.EARTH_RADIUS_KM)
    assert zones.distance_km((0.0, 179.5), (0.0, -179.5)) == pytest.approx(111.19, abs=0.01)


@pytest.mark.parametrize(
    ("km", "zone"),
    [
        (0, 1), (240, 1), (240.1, 2), (480, 2), (480.1, 3), (970, 3), (970.1, 4), (1610, 4), (1610.1, 5),
        (2250, 5), (2250.1, 6), (2900, 6), (2900.1, 7), (20_000, 7),
    ],
)  # fmt: skip
def test_zone_limits_are_inclusive(km: float, zone: int) -> None:
    assert zones.zone(km) == zone


def test_a_negative_distance_is_refused() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        zones.zone(-1)


def test_the_standard_service_costs_by_zone_and_by_the_gram_rounded_up_per_parcel() -> None:
    assert zones.STANDARD.handle == "standard"
    assert [zones.STANDARD.transit(zone) for zone in range(1, 8)] == [1, 2, 3, 4, 5, 6, 7]
    assert [zones.STANDARD.fixed(zone) for zone in (1, 7)] == [550, 850]
    weights = [zones.STANDARD.weight_cost(grams) for grams in (0, 1, 10, 11, 1000, 1001)]
    assert weights == [0, 1, 1, 2, 100, 101]
    assert zones.STANDARD.parcel_cost(3, 1250) == 775


latitudes, longitudes = st.floats(-90, 90), st.floats(-180, 180)
positions = st.tuples(latitudes, longitudes)


@given(positions, positions)
def test_distance_is_symmetric_and_within_half_the_globe(here: zones.Position, there: zones.Position) -> None:
    assert zones.distance_km(here, there) == pytest.approx(zones.distance_km(there, here), abs=1e-6)
    assert 0 <= zones.distance_km(here, there) <= math.pi * zones.EARTH_RADIUS_KM + 1e-6
    assert zones.zone_between(here, there) == zones.zone(zones.distance_km(here, there))
