"""Topics, the timetable, signatures and bodies, by tables and properties."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from oms_api.webhooks import rules
from oms_api.webhooks.rules import Outcome, Verdict

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OLD = rules.secret_from(b"o" * 24)
NEW = rules.secret_from(b"n" * 64)

# — topics —


@pytest.mark.parametrize(
    ("pattern", "topic", "heard"),
    [
        ("*", "order.confirmed", True),
        ("order.*", "order.confirmed", True),
        ("order.*", "order.line.added", True),
        ("order.line.*", "order.line.added", True),
        ("order.confirmed", "order.confirmed", True),
        ("order.*", "orders.confirmed", False),
        ("order.*", "order", False),
        ("order.*", "order_hold.placed", False),
        ("order.line.*", "order.confirmed", False),
        ("order.confirmed", "order.confirmed_again", False),
        ("order.confirmed", "return.received", False),
    ],
)
def test_a_pattern_hears_its_topics_and_no_others(pattern: str, topic: str, heard: bool) -> None:
    assert rules.topic_problem(pattern) is None
    assert rules.matches([pattern], topic) is heard
    assert rules.matches(["payment.voided", pattern], topic) is heard


def test_no_pattern_hears_nothing() -> None:
    assert rules.matches([], "order.confirmed") is False


@pytest.mark.parametrize(
    "pattern",
    [
        *("", "order", "order*", "*.confirmed", "order.*.added", "**", ".*", "order..*", "Order.*"),
        *("order.con firmed", "order.confirmed\n", "order.", "1rder.x", "örder.x", "o." + "x" * 99),
    ],
)
def test_a_malformed_pattern_is_told_what_to_write(pattern: str) -> None:
    problem = rules.topic_problem(pattern)
    assert problem is not None
    assert problem.endswith("write one (order.confirmed), all of a kind (order.*) or * for all.")
    assert len(problem) < 250


def test_a_topic_that_nothing_emits_is_a_typo() -> None:
    known = {"order.confirmed", "order.created"}
    assert rules.topic_problem("order.confirmd", known) == (
        "No event has the topic 'order.confirmd': choose from order.confirmed, order.created."
    )
    assert rules.topic_problem("return.*", known) is not None
    assert [rules.topic_problem(good, known) for good in ("order.created", "order.*", "*")] == [None] * 3


# — the timetable —


def test_ten_attempts_span_seventy_five_hours_and_the_first_is_immediate() -> None:
    assert rules.MAX_ATTEMPTS == 10
    assert rules.RETRY_DELAYS_S[0] == 0
    assert sum(rules.RETRY_DELAYS_S) == 75 * 3600 + 35 * 60 + 5
    assert list(rules.RETRY_DELAYS_S) == sorted(rules.RETRY_DELAYS_S)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_delivers_even_at_the_last_attempt(status: int) -> None:
    assert rules.judge(status, attempts_made=1, random=0.5) == Verdict(Outcome.DELIVERED)
    assert rules.judge(status, attempts_made=10, random=0.5) == Verdict(Outcome.DELIVERED)


@pytest.mark.parametrize("status", [None, 101, 199, 300, 301, 302, 307, 308, 400, 401, 404, 409, 429, 500, 503])
def test_everything_else_is_tried_again_after_the_timetables_delay(status: int | None) -> None:
    verdicts = [rules.judge(status, attempts_made=made, random=0.5) for made in range(1, 10)]
    assert [verdict.outcome for verdict in verdicts] == [Outcome.RETRYING] * 9
    assert [verdict.delay_s for verdict in verdicts] == [
        pytest.approx(delay_s) for delay_s in (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    ]
    assert rules.judge(status, attempts_made=10, random=0.5) == Verdict(Outcome.DEAD)


@pytest.mark.parametrize("attempts_made", [1, 9, 10])
def test_410_stops_at_once(attempts_made: int) -> None:
    verdict = rules.judge(410, attempts_made=attempts_made, random=0.5, retry_after_s=60)
    assert verdict == Verdict(Outcome.GONE)


@given(st.integers(1, 9), st.floats(0, 1, exclude_max=True))
def test_jitter_stays_within_ten_percent_and_is_a_function_of_the_random_number(made: int, random: float) -> None:
    verdict = rules.judge(500, attempts_made=made, random=random)
    assert verdict == rules.judge(500, attempts_made=made, random=random)
    assert verdict.delay_s is not None
    assert 0.9 <= verdict.delay_s / rules.RETRY_DELAYS_S[made] <= 1.1 + 1e-9


@pytest.mark.parametrize(("attempts_made", "random"), [(0, 0.5), (-1, 0.5), (1, 1.0), (1, -0.1), (1, float("nan"))])
def test_a_verdict_needs_an_attempt_and_a_random_number(attempts_made: int, random: float) -> None:
    with pytest.raises(ValueError, match="attempts_made counts from 1"):
        rules.judge(500, attempts_made=attempts_made, random=random)


@pytest.mark.parametrize(
    ("attempts_made", "retry_after_s", "delay_s"),
    [
        (1, 120.0, 120.0),  # later than the timetable: as asked
        (4, 120.0, 7200 * 0.9),  # sooner: the timetable stands
        (1, 0.0, 4.5),
        (1, 10.0**12, 86400.0),  # a month is capped to a day
    ],
)
def test_retry_after_puts_off_but_never_hastens(attempts_made: int, retry_after_s: float, delay_s: float) -> None:
    verdict = rules.judge(503, attempts_made=attempts_made, random=0.0, retry_after_s=retry_after_s)
    assert verdict == Verdict(Outcome.RETRYING, pytest.approx(delay_s))


def test_deliveries_put_off_together_come_back_spread_and_never_early() -> None:
    delays = [rules.judge(429, attempts_made=1, random=random, retry_after_s=1000).delay_s for random in (0, 0.5, 0.99)]
    assert delays == [pytest.approx(1000), pytest.approx(1050), pytest.approx(1099)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 0 ", 0.0),
        ("86401", 86400.0),
        ("9" * 5000, 86400.0),
        ("-5", None),
        ("1.5", None),
        ("١٢٠", None),
        ("soon", None),
        ("Sun, 22 Nov 2026 12:01:30 GMT", 90.0),
        ("Sunday, 22-Nov-26 12:01:30 GMT", 90.0),
        ("Sun Nov 22 12:01:30 2026", 90.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2099 11:00:00 GMT", 86400.0),
        ("Sun, 22 Nov 99999 11:00:00 GMT", None),
        ("Sun, 22 Nov 2026 11:00:00 +9999", None),
        ("Sun, 22 Nov 2026 12:01:30 GMT" + " " * 5000 + "x", None),
    ],
)
def test_retry_after_reads_seconds_and_dates(header: str | None, seconds: float | None) -> None:
    assert rules.retry_after_seconds(header, NOW) == seconds


@given(st.text() | st.from_regex(r"[A-Z][a-z]{2},? [0-9 :+\-A-Za-z,]{0,60}"))
def test_no_retry_after_header_breaks_us(header: str) -> None:
    seconds = rules.retry_after_seconds(header, NOW)
    assert seconds is None or 0 <= seconds <= rules.MAX_RETRY_AFTER_S


def test_a_subscription_fails_after_72_hours_of_nothing_but_failures() -> None:
    since = rules.failing_since(None, succeeded=False, at=NOW)
    assert since == NOW
    since = rules.failing_since(since, succeeded=False, at=NOW + timedelta(hours=71))
    assert since == NOW
    assert rules.is_failing(since, NOW + timedelta(hours=72) - timedelta(microseconds=1)) is False
    assert rules.is_failing(since, NOW + timedelta(hours=72)) is True


def test_one_success_ends_the_row_of_failures() -> None:
    assert rules.failing_since(NOW, succeeded=True, at=NOW + timedelta(hours=71)) is None
    assert rules.is_failing(None, NOW + timedelta(days=9)) is False


# — secrets and signatures —


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_is_whsec_and_base64_and_comes_back(key: bytes) -> None:
    secret = rules.secret_from(key)
    assert secret == "whsec_" + base64.b64encode(key).decode()
    assert rules.secret_key(secret) == key


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "whsec_",
        "x" * 40,
        base64.b64encode(b"k" * 32).decode(),
        "WHSEC_" + base64.b64encode(b"k" * 32).decode(),
    ]
    + ["whsec_" + base64.b64encode(b"k" * size).decode() for size in (0, 23, 65)]
    + ["whsec_" + base64.b64encode(b"k" * 32).decode().rstrip("="), "whsec_" + "_-" * 20, "whsec_" + "é" * 40]
    + ["whsec_" + base64.b64encode(b"k" * 33).decode() + "\n"],
)
def test_a_bad_secret_is_refused_without_being_told(secret: str) -> None:
    with pytest.raises(ValueError, match="A webhook secret ") as refused:
        rules.secret_key(secret)
    assert secret.removeprefix("whsec_")[:8] not in str(refused.value) or len(secret) < 8
    with pytest.raises(ValueError, match="A webhook secret "):
        rules.sign("whm_1", 1, b"{}", [secret])


@pytest.mark.parametrize("size", [0, 23, 65])
def test_no_secret_is_made_of_too_few_or_too_many_bytes(size: int) -> None:
    with pytest.raises(ValueError, match=f"24 to 64 bytes, not {size}"):
        rules.secret_from(b"k" * size)


def test_the_signature_equals_the_published_example() -> None:
    """From the Standard Webhooks specification's reference tests."""
    signature = rules.sign(
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        1614265330,
        b'{"test": 2432232314}',
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
    )
    assert signature == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_during_a_rotation_both_secrets_verify_and_a_third_does_not() -> None:
    body = rules.payload("order.confirmed", NOW, {"eventId": "evt_1", "name": "Zoë"}, None)
    sent = rules.headers("whm_1", int(time.time()), body, [NEW, OLD])
    assert [part[:3] for part in sent["webhook-signature"].split(" ")] == ["v1,", "v1,"]
    for secret in (NEW, OLD):
        assert Webhook(secret).verify(body, sent)["data"] == {"eventId": "evt_1", "name": "Zoë"}
    with pytest.raises(WebhookVerificationError):
        Webhook(rules.secret_from(b"x" * 32)).verify(body, sent)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(body + b" ", sent)
    with pytest.raises(WebhookVerificationError):
        Webhook(NEW).verify(body, sent | {"webhook-id": "whm_2"})


def test_after_the_rotation_the_old_secret_verifies_no_more() -> None:
    sent = rules.headers("whm_1", int(time.time()), b"{}", [NEW])
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(b"{}", sent)


def test_nothing_is_sent_unsigned_or_with_an_ambiguous_id() -> None:
    with pytest.raises(ValueError, match="never sent unsigned"):
        rules.sign("whm_1", 1, b"{}", [])
    for message_id in ("", "whm.1"):
        with pytest.raises(ValueError, match="webhook-id"):
            rules.sign(message_id, 1, b"{}", [NEW])


def test_a_replay_keeps_its_id_and_says_so() -> None:
    first = rules.headers("whm_1", 1_700_000_000, b"{}", [NEW])
    again = rules.headers("whm_1", 1_700_000_000, b"{}", [NEW], replay=True)
    assert set(first) == {
        "content-type",
        "user-agent",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
    assert first["webhook-timestamp"] == "1700000000"
    assert again == first | {"oms-replay": "true"}


# — the body —


def test_the_body_holds_type_timestamp_and_data_in_that_order() -> None:
    body = rules.payload("order.confirmed", NOW, {"eventId": "evt_1", "sequence": 3, "changes": ["status"]}, None)
    assert body == (
        b'{"type":"order.confirmed","timestamp":"2026-11-22T12:00:00.000000Z",'
        b'"data":{"eventId":"evt_1","sequence":3,"changes":["status"]}}'
    )


def test_the_subscribers_query_is_in_the_body_only_when_there_is_one() -> None:
    result = {"data": {"order": {"number": "1001"}}}
    body = json.loads(rules.payload("order.confirmed", NOW, {}, result))
    assert list(body) == ["type", "timestamp", "data", "query"]
    assert body["query"] == result
    assert json.loads(rules.payload("order.confirmed", NOW, {}, {}))["query"] == {}


def test_the_timestamp_is_utc_with_microseconds() -> None:
    at = datetime(2026, 11, 22, 14, 0, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    assert json.loads(rules.payload("a.b", at, {}, None))["timestamp"] == "2026-11-22T12:00:00.000005Z"
    with pytest.raises(ValueError, match="time zone"):
        rules.payload("a.b", at.replace(tzinfo=None), {}, None)


def test_a_body_of_256_kib_is_sent_and_one_byte_more_is_refused() -> None:
    empty = len(rules.payload("a.b", NOW, {"x": ""}, None))
    assert len(rules.payload("a.b", NOW, {"x": "y" * (262144 - empty)}, None)) == 262144
    with pytest.raises(rules.BodyTooLarge, match="262145 bytes, at most 262144 are sent: select less") as refused:
        rules.payload("a.b", NOW, {"x": "y" * (262145 - empty)}, None)
    assert refused.value.size == 262145


def test_the_limit_counts_bytes_not_characters() -> None:
    with pytest.raises(rules.BodyTooLarge):
        rules.payload("a.b", NOW, {"x": "é" * 131_072}, None)


def test_a_fact_cannot_take_the_place_of_what_names_the_event() -> None:
    named = {"event_id": "evt_1", "subject_id": "ord_1", "sequence": 3, "cursor": "17", "changes": {"added": []}}
    found = rules.content({"sku": "A", "sequence": 99, "quantity": 2}, **named)  # type: ignore[arg-type]
    assert found == {
        "eventId": "evt_1", "subjectId": "ord_1", "sequence": 3, "cursor": "17", "changes": {"added": []},
        "sku": "A", "quantity": 2,
    }  # fmt: skip


def test_made_up_facts_have_the_types_of_real_ones() -> None:
    found = rules.made_up(
        {"sku": str, "quantity": int, "lines": list[dict[str, int]], "final": bool, "reason": str | None}
    )
    assert found == {"sku": "example", "quantity": 1, "lines": [], "final": False, "reason": None}
