"""A reader of MIDI files of its own, of few lines: to check what a library has written."""

from __future__ import annotations

import struct
from typing import NamedTuple


class Struck(NamedTuple):
    """A note, in ticks."""

    start: int
    end: int
    pitch: int
    channel: int


def variable(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if data[at - 1] < 0x80:
            return value, at


def parse(contents: bytes) -> tuple[int, list[Struck]]:
    """Ticks of a quarter, and all notes."""
    magic, size, _, num_tracks, ticks = struct.unpack(">4sIHHH", contents[:14])
    assert (magic, size) == (b"MThd", 6)
    at, found = 14, []
    for _ in range(num_tracks):
        magic, size = struct.unpack(">4sI", contents[at : at + 8])
        assert magic == b"MTrk"
        found += track(contents[at + 8 : at + 8 + size])
        at += 8 + size
    assert at == len(contents)
    return ticks, sorted(found)


def track(data: bytes) -> list[Struck]:
    at, now, status, sounding, found = 0, 0, 0, {}, []
    while at < len(data):
        delta, at = variable(data, at)
        now += delta
        if data[at] >= 0x80:
            status, at = data[at], at + 1
        if status == 0xFF:
            size, at = variable(data, at + 1)
            at += size
            continue
        kind, channel = status >> 4, status & 15
        pitch, velocity = data[at], data[at + 1]
        assert kind in (8, 9)
        at += 2
        if kind == 9 and velocity:
            assert (channel, pitch) not in sounding
            sounding[channel, pitch] = now
        else:
            found.append(Struck(sounding.pop((channel, pitch)), now, pitch, channel))
    assert not sounding
    return found
