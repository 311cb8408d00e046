"""What README.md and docs/ hold: blocks of code, commands, and what these find in their folder."""

from __future__ import annotations

import dataclasses
import pathlib
import re
import shlex

import jax
import numpy as np
from safetensors.numpy import save_file

import rnnjax
from rnnjax.export import Array, Model, export_model
from rnnjax.interop.torch import to_state_dict
from rnnjax.models import SequenceClassifier

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

_BLOCK = re.compile(r"(?:^<!-- ([^\n]*) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Block:
    """A fenced block of a page.

    Args:
        page: where it stands.
        line: of its first line, from 1.
        mark: of the comment right before it, such as "live": run where the other frameworks are.
        language: "python", "sh", or "text" for what is no code.
        text: all of it.
    """

    page: pathlib.Path
    line: int
    mark: str
    language: str
    text: str

    def run(self, names: dict[str, object]) -> None:
        """Runs Python in a namespace; a traceback has the page's own lines."""
        code = "\n" * (self.line - 1) + self.text
        exec(compile(code, str(self.page), "exec", dont_inherit=True), names)


def blocks(page: pathlib.Path) -> list[Block]:
    """All fenced blocks of a page."""
    text = page.read_text()
    return [
        Block(page, text.count("\n", 0, match.start(3)) + 1, match[1] or "", match[2], match[3])
        for match in _BLOCK.finditer(text)
    ]


def prose(page: pathlib.Path) -> str:
    """A page without its blocks."""
    return _BLOCK.sub("", page.read_text())


def commands(text: str) -> list[list[str]]:
    """The words of each command of a shell block; what && joins are two."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        while words:
            end = words.index("&&") if "&&" in words else len(words)
            found.append(words[:end])
            words = words[end + 1 :]
    return found


def save_state_dict(folder: pathlib.Path) -> None:
    """What a model of PyTorch's that has an encoder would leave."""
    layer = rnnjax.GRU(3, 4)
    weights = to_state_dict(layer, layer.init(jax.random.key(0)))
    named = {f"encoder.rnn.{name}": np.asarray(array) for name, array in weights.items()}
    save_file(named, folder / "model.safetensors")


def export_images(folder: pathlib.Path) -> None:
    """What ``mnist_rnn.py --export=DIR`` writes, of a network that was never trained."""
    model = SequenceClassifier(rnnjax.GRU(28, 128), 10)
    params = model.init(jax.random.key(0), np.zeros((1, 28, 28), np.float32))["params"]

    def apply(params, images):
        return {"logits": model.apply({"params": params}, images.astype("float32") / 255)}

    export_model(
        folder / "DIR",
        Model(
            title="digits",
            apply=apply,
            params=params,
            inputs={"images": Array(("batch", 28, 28), "uint8")},
            outputs={"logits": "of each class"},
        ),
    )


PREPARE = {"interop.md": save_state_dict, "export.md": export_images}
"""What the code of a page finds in the folder that it is run in."""
