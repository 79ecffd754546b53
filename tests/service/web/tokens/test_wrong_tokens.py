"""How long a client that sends wrong tokens has to wait."""

import pytest

from service.web.tokens.wrong_tokens import (
    FORGET_SECONDS,
    FREE_ATTEMPTS,
    MAX_CLIENTS,
    MAX_WAIT_SECONDS,
    WrongTokens,
)
from tests.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def wrong(clock: Clock) -> WrongTokens:
    return WrongTokens(clock)


def block(wrong: WrongTokens, client: str) -> None:
    for _ in range(FREE_ATTEMPTS):
        assert wrong.wait_seconds(client) == 0.0
        wrong.add(client)


def test_wait_doubles_up_to_a_minute_and_ends(wrong: WrongTokens, clock: Clock) -> None:
    block(wrong, "192.0.2.1")
    waits = []
    for _ in range(2_000):
        waits.append(wrong.wait_seconds("192.0.2.1"))
        clock.seconds += waits[-1]
        assert wrong.wait_seconds("192.0.2.1") == 0.0
        wrong.add("192.0.2.1")
    assert waits[:7] == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, MAX_WAIT_SECONDS]
    assert set(waits[7:]) == {MAX_WAIT_SECONDS}
    assert wrong.wait_seconds("192.0.2.2") == 0.0


def test_wrong_tokens_are_forgotten_after_an_hour(wrong: WrongTokens, clock: Clock) -> None:
    block(wrong, "192.0.2.1")
    clock.seconds += FORGET_SECONDS + 1
    block(wrong, "192.0.2.1")


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "", True),
    ],
)
def test_addresses_of_one_subscriber_share_their_attempts(
    wrong: WrongTokens, one: str, other: str, is_same: bool
) -> None:
    block(wrong, one)
    assert (wrong.wait_seconds(other) > 0) == is_same


def test_memory_is_bounded_by_the_number_of_clients(wrong: WrongTokens) -> None:
    block(wrong, "early")
    block(wrong, "late")
    for number in range(MAX_CLIENTS - 1):
        wrong.add(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert wrong.wait_seconds("early") == 0.0
    assert wrong.wait_seconds("late") > 0.0
