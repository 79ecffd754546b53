"""Counters in memory that all server processes share: float64 numbers by name.

They outlive the processes that count in them. The memory is an anonymous file, created before the
fork: it needs no writable folder, and nothing of it remains when the last process ends. Each server
process writes to a slot of its own; any process can read all slots.

A slot is a list of entries that only grows. An entry is complete before the slot's length includes
it, and a number is stored as one aligned word. So a slot is readable at any moment, even if its
process is killed while writing. The process that replaces it takes over the slot and its counts.

    word 0       number of words in use
    word 1       the process id; 0 if the process has ended and is not replaced yet
    word 2       collects the counts of names for which the slot has no room
    then, each   the name's length in bytes; the name in UTF-8, padded to whole words; the number
"""

import mmap
import os
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass

from service.telemetry.anonymous_file import anonymous_file
from service.telemetry.model_labels import ModelLabels

_WORD = 8
_PROCESS, _NO_ROOM, _HEADER = 1, 2, 3
SLOT_BYTES = 1 << 24  # room for about 150,000 names; the system allocates only the pages in use


class Slot:
    """The numbers of one server process. Any thread may add names; to change numbers, hold `lock`.

    Attributes
    ----------
    numbers : float64, indexed by the result of `place`
    lock : to be held for every read-modify-write of a number
    """

    def __init__(self, memory: mmap.mmap) -> None:
        self._bytes = memoryview(memory)
        self._words = self._bytes.cast("Q")
        self.numbers = self._bytes.cast("d")
        self.lock = threading.Lock()
        self._words[0] = max(self._words[0], _HEADER)
        self._places = dict(_entries(self._bytes, self._words[0]))

    def place(self, name: str) -> int:
        """Return the index of a name's number; add the name, with 0, if it is new."""
        with self.lock:
            if name in self._places:
                return self._places[name]
            key = name.encode()
            start = self._words[0]
            place = start + 1 + _word_count(len(key))
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
class SlotReading:
    """The content of a slot at one moment.

    Attributes
    ----------
    slot : the slot's number, from 0
    process : the id of its process; 0 if there is none
    """

    slot: int
    process: int
    numbers: dict[str, float]


class SharedCounters:
    """The slots of all server processes.

    Attributes
    ----------
    master_process : the id of the process that forks the server processes; None if there is none
    labels : the values of the label `model`
    """

    def __init__(self, slot_bytes: int = SLOT_BYTES) -> None:
        self.master_process: int | None = None
        self._slot_bytes = slot_bytes
        self.labels = ModelLabels()
        self._file = anonymous_file(self, "numnet-counters")
        self.allocate(0)

    def allocate(self, slot: int) -> None:
        """Make room for a slot. Only for the process that forks the others, before the fork."""
        end = (slot + 1) * self._slot_bytes
        if os.fstat(self._file).st_size < end:
            os.ftruncate(self._file, end)

    def claim(self, slot: int, process: int) -> Slot:
        """Return an allocated slot for a process to count in; its counts so far remain."""
        memory = mmap.mmap(self._file, self._slot_bytes, offset=slot * self._slot_bytes)
        memoryview(memory).cast("Q")[_PROCESS] = process
        return Slot(memory)

    def release(self, slot: int) -> None:
        """Record that a slot's process has ended."""
        place = slot * self._slot_bytes + _PROCESS * _WORD
        os.pwrite(self._file, bytes(_WORD), place)

    def readings(self) -> list[SlotReading]:
        """Read all slots."""
        slots = os.fstat(self._file).st_size // self._slot_bytes
        return [self._read(slot) for slot in range(slots)]

    def _read(self, slot: int) -> SlotReading:
        start = slot * self._slot_bytes
        used = int.from_bytes(os.pread(self._file, _WORD, start), sys.byteorder)
        view = memoryview(os.pread(self._file, max(used, _HEADER) * _WORD, start))
        words, numbers = view.cast("Q"), view.cast("d")
        return SlotReading(
            slot, words[_PROCESS], {name: numbers[place] for name, place in _entries(view, used)}
        )


def _entries(memory: memoryview, end: int) -> Iterator[tuple[str, int]]:
    """Yield the names in a slot with `end` words in use, and the places of their numbers."""
    words = memory.cast("Q")
    start = _HEADER
    while start < end:
        length, first = words[start], (start + 1) * _WORD
        place = start + 1 + _word_count(length)
        yield bytes(memory[first : first + length]).decode(), place
        start = place + 1


def _word_count(length: int) -> int:
    """Return the number of words that `length` bytes fill."""
    return -(-length // _WORD)
