"""How much memory this process holds, and the most that it ever held, as Linux counts it."""

from __future__ import annotations

import ctypes
import gc
from pathlib import Path

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def resident() -> int | None:
    """Bytes in memory now; None where there is no such count."""
    return _read("VmRSS")


def peak() -> int | None:
    """The most bytes in memory since `forget_peak`, or since the process began."""
    return _read("VmHWM")


def forget_peak() -> bool:
    """Gives free memory back to the system and begins to count anew, if that can be done."""
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        _CLEAR.write_text("5")
    except (AttributeError, OSError, TypeError):
        return False
    return True


def _read(name: str) -> int | None:
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None
