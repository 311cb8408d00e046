"""docs/catalogue.md is what the classes say."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import rnnjax

MAKER = Path(__file__).parent.parent / "docs" / "make_catalogue.py"


def maker() -> Any:
    spec = importlib.util.spec_from_file_location("make_catalogue", MAKER)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_that_of_the_classes():
    made = maker()
    assert made.PAGE.read_text(encoding="utf-8") == made.page(), (
        "run: python docs/make_catalogue.py"
    )


def test_every_cell_stands_there_once_with_its_paper():
    rows = re.findall(r"^\| (.*?) \| `(\w+)` \|.*\| (.*?) \|$", maker().page(), re.MULTILINE)
    names = [name for _, name, _ in rows]
    assert len(set(names)) == len(names)
    assert {cell.__name__ for cell in rnnjax.CELLS.values()} <= set(names)
    assert {flag.strip("`") for flag, _, _ in rows if flag} == set(rnnjax.CELLS)
    own = {"CausalConv", "Window", "ConvRNN"}
    assert [name for _, name, paper in rows if not paper and name not in own] == []
