"""The wall clock of one program, by libfaketime. The monotonic clock stays true, as it does where a host's clock jumps.

Programs in Go do not ask the C library for the time: the clocks of the API server and of etcd cannot be moved so.
"""

from pathlib import Path

_LIBRARIES = Path("/usr/lib")
_NAME = "*/faketime/libfaketime.so.1"


class ClockMissing(Exception):
    """One line that says how to get it."""


def clock_environment(file: Path) -> dict[str, str]:
    """Of a program that reads every second from that file how far its clock is off."""
    found = sorted(_LIBRARIES.glob(_NAME))
    if not found:
        raise ClockMissing("clocks that jump need libfaketime; install with: apt-get install faketime")
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def set_clock(file: Path, seconds: int) -> None:
    """In one step: a program that reads half a file has no clock at all."""
    new = file.with_suffix(".new")
    new.write_text(f"{seconds:+d}\n")
    new.replace(file)
