"""Who may import whom, read from the source without running it."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import pathlib
import re
import sys
from collections.abc import Iterable

import pytest

ROOT = pathlib.Path(__file__).parent.parent

FLOORS = (
    {
        "activations",
        "buffers",
        "checks",
        "discretization",
        "errors",
        "exponents",
        "hippo",
        "initializers",
        "noise",
        "normalization",
        "orthogonal",
    },
    {"storage", "reports"},
    {"data"},
    {
        "cell",
        "conv_cell",
        "fused_cell",
        "gated_cell",
        "hyperparameters",
        "linear_cell",
        "matrix_cell",
        "orthogonal_cell",
        "outer",
        "physical_cell",
        "recurrences",
        "timed_cell",
    },
    {"unrolling"},
    {"attention", "cells", "combinators", "decoding", "devices"},
    {"blocks"},
    {"analysis", "bridges", "interop", "models", "public", "serialization"},
    {"runs", "training"},
    {"experiment", "export", "outset"},
)
"""The rooms of the package, from the ground up. A module imports from its own floor and below."""

CLOSED = {
    "attention": {"cells", "combinators", "decoding", "devices"},
    "cells": {"cells"},
    "decoding": {"cells", "combinators", "devices"},
    "outset": {"experiment", "export"},
    "export": {"experiment", "runs", "training", "data"},
    "data": {"reports"},
}
"""Rooms that a room may not look into though it stands no lower. A cell knows no other cell."""

RUN = tuple(f"rnnjax.unrolling.{name}" for name in ("arguments", "executors", "unroll"))
WITH_NUMPY = {"hippo", "orthogonal"}
"""Parts whose constants are computed on the host."""

PARTS = tuple(
    f"rnnjax.{name}" for name in sorted((FLOORS[0] | FLOORS[3]) - {"errors", *WITH_NUMPY})
)

NUMBERS = (
    "bootstrap", "class_scores", "context", "equal_size", "gradient_noise", "input_order", "state",
)  # fmt: skip
"""The analyses that draw nothing."""

THIRD_PARTY = {
    frozenset({*PARTS, "rnnjax.attention", "rnnjax.blocks", "rnnjax.cells", *RUN}): {"jax"},
    frozenset({"rnnjax.unrolling", "rnnjax.combinators", "rnnjax.decoding"}): {"jax", "numpy"},
    frozenset(f"rnnjax.{name}" for name in WITH_NUMPY): {"jax", "numpy"},
    frozenset({"rnnjax.reports.confusion_matrix"}): {"numpy"},
    frozenset({"rnnjax.analysis"}): {"jax", "numpy", "scipy", "matplotlib"},
    frozenset({f"rnnjax.analysis.{name}" for name in NUMBERS}): {"jax", "numpy", "scipy"},
    frozenset({"rnnjax.outset", "rnnjax.errors", "rnnjax.storage"}): set(),
}
"""What layers and their loop, and what analyses of them, are made of."""

ROOMS = {
    "absl": "rnnjax.experiment",
    "tensorflow_datasets": "rnnjax.data",
}
"""The only rooms that import a package."""


def module_name(path: pathlib.Path, root: pathlib.Path) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: pathlib.Path, modules: set[str]) -> set[str]:
    """What a file imports, anywhere in it: modules, and names out of others' modules."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module and not node.level, f"{path}: relative import"  # noqa: PT018
            names = {f"{node.module}.{alias.name}" for alias in node.names}
            ours = within(node.module, {"rnnjax", "experiments", "tests"})
            found |= {name if name in modules or not ours else node.module for name in names}
    return found - {"__future__.annotations"}


def graph(root: pathlib.Path) -> dict[str, set[str]]:
    """Every module under the three source folders, and what it imports."""
    folders = ("rnnjax", "experiments", "tests")
    files = [path for folder in folders for path in root.glob(f"{folder}/**/*.py")]
    modules = {module_name(path, root) for path in files}
    return {module_name(path, root): imports_of(path, modules) for path in files}


def within(name: str, folders: Iterable[str]) -> bool:
    return any(name == folder or name.startswith(f"{folder}.") for folder in folders)


def room(module: str) -> str:
    """The folder or the file right under the package that a module is in."""
    return module.split(".")[1] if "." in module else ""


def floor(module: str) -> int:
    """How high the room of a module is; the package itself looks in from above."""
    return next((i for i, rooms in enumerate(FLOORS) if room(module) in rooms), len(FLOORS))


def is_forbidden(module: str, name: str, scripts: set[str]) -> bool:
    """Whether a module must not import this name."""
    if within(module, {"experiments.comparison"}):
        # They put the scripts together, which know nothing of them.
        return within(name, {"experiments.compare", "tests", "benchmarks", *scripts})
    if module == "experiments.compare":
        return name in scripts
    if within(module, {"experiments"}):
        # With its folder in front or, as a script sees it, without.
        return within(name, {"experiments"}) or name in scripts
    if not within(module, {"rnnjax"}):
        return False
    if within(name, {"experiments", "benchmarks", "tests", *scripts}):
        return True
    for package, home in ROOMS.items():
        if within(name, {package}):
            return not within(module, {home})
    if within(name, {"rnnjax"}):
        gathers = within(name, {module})  # the __init__ of a folder
        if gathers or name == "rnnjax.public":
            return not gathers and module != "rnnjax"
        return floor(name) > floor(module) or room(name) in CLOSED.get(room(module), ())
    package = name.partition(".")[0]
    return package not in sys.stdlib_module_names and any(
        within(module, folders) and package not in allowed
        for folders, allowed in THIRD_PARTY.items()
    )


def forbidden(edges: dict[str, set[str]]) -> list[str]:
    """One line for every import that the rules do not allow."""
    scripts = {name.partition(".")[2] for name in edges if name.startswith("experiments.")}
    return [
        f"{module} imports {name}"
        for module, imported in sorted(edges.items())
        for name in sorted(imported)
        if is_forbidden(module, name, scripts)
    ]


def cycle(edges: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a ring, or nothing."""
    finished: set[str] = set()

    def visit(module: str, path: list[str]) -> list[str]:
        if module in path:
            return [*path[path.index(module) :], module]
        if module in finished or module not in edges:
            return []
        for name in sorted(edges[module]):
            if found := visit(name, [*path, module]):
                return found
        finished.add(module)
        return []

    return next((found for module in sorted(edges) if (found := visit(module, []))), [])


def normal(name: str) -> str:
    """The name of a distribution as package indices compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(tests: bool) -> set[str]:
    """The distributions in setup.cfg: for the tests, or all that the code may want."""
    config = configparser.ConfigParser()  # an extra may name others
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    wanted = {"test"} if tests else set(extras) - {"test", "dev", "live", "bench"}
    requirements = [config["options"]["install_requires"], *(extras[extra] for extra in wanted)]
    lines = [line for text in requirements for line in text.splitlines()]
    return {normal(found[0]) for line in lines if (found := re.match(r"[\w.-]+", line))}


def undeclared(edges: dict[str, set[str]]) -> list[str]:
    """Third-party imports whose distribution setup.cfg does not name."""
    scripts = {name.partition(".")[2] for name in edges if name.startswith("experiments.")}
    ours = {"rnnjax", "experiments", "benchmarks", "tests", *scripts, *sys.stdlib_module_names}
    distributions = importlib.metadata.packages_distributions()
    found = []
    for module, imported in sorted(edges.items()):
        known = declared(tests=within(module, {"tests"}))
        for name in sorted({name.partition(".")[0] for name in imported} - ours):
            if not {normal(d) for d in distributions.get(name, [name])} & known:
                found.append(f"{module} imports {name}")
    return found


EDGES = graph(ROOT)


SMALL_TREE = [
    "rnnjax/__init__.py",
    "rnnjax/public.py",
    "rnnjax/activations.py",
    "rnnjax/cell.py",
    "rnnjax/cells/__init__.py",
    "rnnjax/cells/gru.py",
    "rnnjax/data/__init__.py",
    "rnnjax/data/mnist.py",
    "rnnjax/training/batches.py",
    "rnnjax/training/loop.py",
    "rnnjax/unrolling/unroll.py",
    "experiments/a.py",
    "experiments/b.py",
    "experiments/compare.py",
    "experiments/comparison/__init__.py",
    "experiments/comparison/study.py",
]


def test_every_room_stands_on_one_floor():
    rooms = [name for names in FLOORS for name in names]
    assert len(rooms) == len(set(rooms))
    assert {room(module) for module in EDGES if within(module, {"rnnjax"})} - {""} == set(rooms)


def test_every_import_is_allowed():
    assert forbidden(EDGES) == []


def test_no_module_imports_itself_through_others():
    assert cycle({m: names for m, names in EDGES.items() if within(m, {"rnnjax"})}) == []


def test_every_third_party_import_is_declared():
    # What is run by hand, or by `pytest tests/live`, where other frameworks are installed.
    apart = {"tests.golden.make_golden", "tests.golden.make_state_dicts", "tests.live"}
    checked = {m: names for m, names in EDGES.items() if not within(m, apart)}
    assert undeclared(checked) == []


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("rnnjax/cell.py", "import numpy"),
        ("rnnjax/cell.py", "from rnnjax.cells import LSTM"),
        ("rnnjax/cell.py", "from rnnjax.unrolling.unroll import unroll"),
        ("rnnjax/checks.py", "from rnnjax.cell import Layer"),
        ("rnnjax/checks.py", "import numpy"),
        ("rnnjax/hyperparameters.py", "from rnnjax.cells import LSTM"),
        ("rnnjax/hyperparameters.py", "import numpy"),
        ("rnnjax/initializers.py", "import rnnjax.cell"),
        ("rnnjax/cells/lstm.py", "from rnnjax.cells.gru import GRU"),
        ("rnnjax/cells/lstm.py", "from rnnjax.cells import GRU"),
        ("rnnjax/cells/lstm.py", "from rnnjax.bridges.linen import RNN"),
        ("rnnjax/unrolling/unroll.py", "from rnnjax.cells import LSTM"),
        ("rnnjax/unrolling/unroll.py", "import numpy"),
        ("rnnjax/unrolling/chunked.py", "import flax.linen"),
        ("rnnjax/unrolling/executors.py", "from rnnjax.devices.layout import Layout"),
        ("rnnjax/combinators/stack.py", "from rnnjax import LSTM"),
        ("rnnjax/combinators/stack.py", "from rnnjax.models import SequenceTagger"),
        ("rnnjax/combinators/stack.py", "import flax.linen"),
        ("rnnjax/decoding/writing.py", "from rnnjax.cells import LSTM"),
        ("rnnjax/decoding/writing.py", "from rnnjax.models import SequenceTagger"),
        ("rnnjax/decoding/writing.py", "import flax.linen"),
        ("rnnjax/models/classifier.py", "from rnnjax.training.loop import Trainer"),
        ("rnnjax/bridges/linen.py", "from rnnjax.experiment import launch"),
        ("rnnjax/training/loop.py", "from rnnjax import LSTM"),
        ("rnnjax/training/loop.py", "from rnnjax.public import LSTM"),
        ("rnnjax/training/loop.py", "from rnnjax.experiment import setting"),
        ("rnnjax/training/loop.py", "def f():\n    from rnnjax.export import Model"),
        ("rnnjax/data/mnist.py", "from rnnjax.training import batches"),
        ("rnnjax/data/mnist.py", "from rnnjax.reports import plots"),
        ("rnnjax/training/loop.py", "import tensorflow_datasets as tfds"),
        ("rnnjax/training/loop.py", "from absl import flags"),
        ("rnnjax/runs/folder.py", "from absl import logging"),
        ("rnnjax/export/model.py", "from rnnjax.training.loop import Trainer"),
        ("rnnjax/models/text.py", "from experiments.a import Config"),
        ("rnnjax/outset.py", "import jax"),
        ("rnnjax/outset.py", "from rnnjax.experiment.terminal import open_console"),
        ("rnnjax/analysis/state.py", "from rnnjax.training.layout import Layout"),
        ("rnnjax/analysis/state.py", "from matplotlib.figure import Figure"),
        ("rnnjax/reports/confusion_matrix.py", "from sklearn.metrics import confusion_matrix"),
        ("rnnjax/reports/drawing.py", "from rnnjax.data import mnist"),
        ("rnnjax/analysis/pictures.py", "from sklearn.metrics import confusion_matrix"),
        ("experiments/a.py", "from experiments.b import run"),
        ("experiments/a.py", "from experiments import b"),
        ("experiments/a.py", "import b"),
        ("experiments/a.py", "from experiments.comparison.study import Study"),
        ("experiments/a.py", "from experiments import compare"),
        ("experiments/compare.py", "import a"),
        ("experiments/comparison/study.py", "from experiments import compare"),
        ("experiments/comparison/study.py", "import a"),
    ],
)
def test_the_rules_find_what_they_forbid(tmp_path, path, line):
    for name in [*SMALL_TREE, path]:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("import typing\n")
    assert forbidden(graph(tmp_path)) == []
    (tmp_path / path).write_text(f"{line}\n")
    module = module_name(tmp_path / path, tmp_path)
    (found,) = set(forbidden(graph(tmp_path)))
    assert found.startswith(f"{module} imports ")


def test_a_ring_of_imports_is_found():
    assert cycle({"a": {"b"}, "b": {"c", "jax"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b", "c"}, "b": {"c"}, "c": {"jax"}}) == []


def test_an_undeclared_import_is_found():
    assert undeclared({"rnnjax.cell": {"jax", "torch", "os.path"}}) == ["rnnjax.cell imports torch"]
    assert undeclared({"rnnjax.cell": {"pytest"}}) == ["rnnjax.cell imports pytest"]
    assert undeclared({"tests.conftest": {"pytest", "PIL.Image"}}) == []


def test_importing_the_package_imports_no_large_framework():
    seen: set[str] = set()
    waiting = ["rnnjax"]
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += EDGES.get(module, ())
    assert "rnnjax.cells.lstm" in seen
    third_party = {name.partition(".")[0] for name in seen} - set(sys.stdlib_module_names)
    assert third_party <= {"rnnjax", "jax", "numpy"}
