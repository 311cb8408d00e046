"""A process that has neither a home folder nor a name, as in `docker run --user=12345`."""

from __future__ import annotations

import pwd

import pytest


def without_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(user: object) -> None:
        raise KeyError(f"uid not found: {user}")

    for name in ("HOME", "XDG_CACHE_HOME", "TFDS_DATA_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
