"""What one server process logs and counts with."""

import os
from dataclasses import dataclass

from service.telemetry.access_log import AccessLog
from service.telemetry.meter import Meter
from service.telemetry.shared_counters import SharedCounters


@dataclass(frozen=True)
class Telemetry:
    """The telemetry of one server process.

    Attributes
    ----------
    counters : those of all server processes, to be read
    meter : counts in this process's slot
    access_log : this process's
    """

    counters: SharedCounters
    meter: Meter
    access_log: AccessLog

    @classmethod
    def in_slot(cls, counters: SharedCounters, slot: int) -> "Telemetry":
        """Return the telemetry of this process, which counts in an allocated slot."""
        meter = Meter(counters.claim(slot, os.getpid()), counters.labels)
        return cls(counters, meter, AccessLog(meter))

    @classmethod
    def of_single_process(cls) -> "Telemetry":
        """Return the telemetry of a process that shares its counters with no other."""
        return cls.in_slot(SharedCounters(), 0)
