"""Numbers that outlive the worker that counts them: float64 by name, in memory that workers share.

The memory is an open file without a name, made before the workers are forked: nothing is left of it
when the last process ends, and no folder has to be writable. It has a slot for each worker, where
that worker alone writes; any process reads all slots.

A slot is a list of entries that only grows. An entry is written whole before the slot's length
takes it in, and a number is stored as one aligned word, so that a slot reads well whenever its
worker is killed. The successor takes the slot over and counts on.

    word 0       words in use
    word 1       the worker's process id; 0: it has ended, and its successor is not there yet
    word 2       takes what is counted under names that the slot has no room for
    then, each   the name's length in bytes; the name in UTF-8, filled up to whole words; the number
"""

import mmap
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass

_WORD = 8
_PROCESS, _NO_ROOM, _HEADER = 1, 2, 3
SLOT_BYTES = 1 << 22  # of which the system gives what is in use: room for some 40,000 names


class Slot:
    """One worker's numbers. Names may be added by several threads; who counts has to hold `lock`.

    Attributes
    ----------
    numbers : float64 by the place that `place` gives
    lock : for what reads a number and writes another
    """

    def __init__(self, memory: mmap.mmap) -> None:
        self._bytes = memoryview(memory)
        self._words = self._bytes.cast("Q")
        self.numbers = self._bytes.cast("d")
        self.lock = threading.Lock()
        self._words[0] = max(self._words[0], _HEADER)
        self._places = dict(_entries(self._bytes, self._words[0]))

    def place(self, name: str) -> int:
        """Where a number is, which begins with 0."""
        with self.lock:
            if name in self._places:
                return self._places[name]
            key = name.encode()
            start = self._words[0]
            place = start + 1 + _words(len(key))
            if place >= len(self._words):
                return _NO_ROOM
            self._words[start] = len(key)
            first = (start + 1) * _WORD
            self._bytes[first : first + len(key)] = key
            self.numbers[place] = 0.0
            self._words[0] = place + 1
            self._places[name] = place
            return place


@dataclass(frozen=True)
class Reading:
    """What a slot held.

    Attributes
    ----------
    slot : its number, from 0
    process : the id of the worker that has it; 0 for none
    """

    slot: int
    process: int
    numbers: dict[str, float]


class Tally:
    """The slots of all workers.

    Attributes
    ----------
    master : the id of the process that forks the workers; None where none does
    """

    def __init__(self, slot_bytes: int = SLOT_BYTES) -> None:
        self.master: int | None = None
        self._slot_bytes = slot_bytes
        if sys.platform == "linux":
            self._file = os.memfd_create("numnet-tally")
        else:
            with tempfile.TemporaryFile() as file:
                self._file = os.dup(file.fileno())
        self.make_room(0)

    def make_room(self, slot: int) -> None:
        """See to it that there is such a slot. For one process, before it forks others."""
        end = (slot + 1) * self._slot_bytes
        if os.fstat(self._file).st_size < end:
            os.ftruncate(self._file, end)

    def take(self, slot: int, process: int) -> Slot:
        """Take over a slot that there is for a process; whoever had it counts in it no more."""
        memory = mmap.mmap(self._file, self._slot_bytes, offset=slot * self._slot_bytes)
        memoryview(memory).cast("Q")[_PROCESS] = process
        return Slot(memory)

    def leave(self, slot: int) -> None:
        """Say that a slot's worker has ended."""
        place = slot * self._slot_bytes + _PROCESS * _WORD
        os.pwrite(self._file, bytes(_WORD), place)

    def readings(self) -> list[Reading]:
        """What all slots hold."""
        slots = os.fstat(self._file).st_size // self._slot_bytes
        return [self._reading(slot) for slot in range(slots)]

    def _reading(self, slot: int) -> Reading:
        start = slot * self._slot_bytes
        used = int.from_bytes(os.pread(self._file, _WORD, start), sys.byteorder)
        view = memoryview(os.pread(self._file, max(used, _HEADER) * _WORD, start))
        words, numbers = view.cast("Q"), view.cast("d")
        return Reading(
            slot, words[_PROCESS], {name: numbers[place] for name, place in _entries(view, used)}
        )


def _entries(memory: memoryview, end: int) -> Iterator[tuple[str, int]]:
    """The names in a slot of so many words, and the places of their numbers."""
    words = memory.cast("Q")
    start = _HEADER
    while start < end:
        length, first = words[start], (start + 1) * _WORD
        place = start + 1 + _words(length)
        yield bytes(memory[first : first + length]).decode(), place
        start = place + 1


def _words(length: int) -> int:
    """How many words bytes fill."""
    return -(-length // _WORD)
