"""The numbers of versions and promotions, which follow one another."""

from collections.abc import Iterable

MAX_VERSION = 999_999_999
MAX_GAP = 1_000_000


def in_sequence(numbers: Iterable[int]) -> list[int]:
    """Return the numbers from 1 that the registry gave, ascending.

    Deleted versions leave gaps. A number more than `MAX_GAP` above the next lower one belongs to a
    file of other origin. If it counted, the numbers after it would soon exceed the digits of a key.
    """
    found: list[int] = []
    for number in sorted(numbers):
        if number - (found[-1] if found else 0) > MAX_GAP:
            break
        if number >= 1:
            found.append(number)
    return found
