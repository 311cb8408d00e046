"""Every public name is listed once and says what it is."""

from __future__ import annotations

import ast
import inspect
import itertools
import pathlib

import pytest

import rnnjax


def test_names_are_listed_once():
    assert len(set(rnnjax.__all__)) == len(rnnjax.__all__)


@pytest.mark.parametrize("name", rnnjax.__all__)
def test_every_name_has_a_docstring(name):
    thing = getattr(rnnjax, name)
    if inspect.isclass(thing):
        own = vars(thing).get("__doc__") or ""
        assert not own.startswith(f"{name}("), "the docstring is the one dataclasses makes up"
    elif inspect.isfunction(thing):
        own = thing.__doc__ or ""
    else:
        own = beside_assignment(name)
    assert len(own.split()) >= 5


def beside_assignment(name: str) -> str:
    """The string that follows the assignment to a name, somewhere in the package."""
    for path in pathlib.Path(inspect.getfile(rnnjax)).parent.glob("**/*.py"):
        for node, after in itertools.pairwise(ast.parse(path.read_text()).body):
            targets = node.targets if isinstance(node, ast.Assign) else []
            targets = [node.target] if isinstance(node, ast.AnnAssign) else targets
            named = any(isinstance(target, ast.Name) and target.id == name for target in targets)
            if named and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                return str(after.value.value)
    return ""


@pytest.mark.parametrize("name", sorted(rnnjax.CELLS))
def test_the_table_holds_cells_by_their_names(name):
    cell_type = rnnjax.CELLS[name]
    assert issubclass(cell_type, rnnjax.Cell)
    assert name.replace("_", "") == cell_type.__name__.lower()
    assert getattr(rnnjax, cell_type.__name__) is cell_type
