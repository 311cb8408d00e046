"""Parameters that a run begins with because another run has learnt them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax

from rnnjax.data.symbols import Symbols
from rnnjax.devices import hosts
from rnnjax.errors import UsageError
from rnnjax.experiment.saved import read_text
from rnnjax.runs.checkpoints import load_params
from rnnjax.runs.folder import read_config
from rnnjax.runs.identity import Identity


def pretrained(
    config: Any,
    init: Callable[[jax.Array], Any],
    *,
    task: str,
    names: Sequence[str],
    same: Sequence[str],
    files: Mapping[str, str],
) -> dict[str, Any]:
    """What the run of another script that --pretrained names has learnt, to begin with.

    Args:
        config: the settings here.
        init: the model's parameters from a key.
        task: the name of the other script's experiment.
        names: of the parameters to take, at the top of both trees.
        same: settings that must be the same there and here.
        files: texts that the run must have beside its parameters, by name, such as a vocabulary.

    Returns:
        These parameters by name, of the first seed where the run has several; none where no run is
        named, or nothing is trained.

    Raises:
        UsageError: there is no run, or one of another script, with other settings, other texts or
            other layers; or its parameters can't be read.
    """
    run = config.pretrained
    if run is None or not config.trains:
        return {}
    try:
        there = read_config(run)
    except UsageError as error:
        raise UsageError(str(error).replace("--workdir=", "--pretrained=")) from None
    flags = there["flags"]
    if flags.get("task") != task:
        other = flags.get("task", "another task")
        raise UsageError(f"--pretrained={run} holds a run of {other}; name one of {task}.")
    wrong = [name for name in same if flags.get(name) != getattr(config, name)]
    if wrong:
        wanted = " ".join(f"--{name}={flags.get(name)}" for name in wrong)
        raise UsageError(f"--pretrained={run} was trained with {wanted}; give the same here.")
    for name, text in files.items():
        if read_text(run, name) != text:
            raise UsageError(
                f"--pretrained={run} was trained with another {name} than this data with these "
                "settings gives, so its parameters mean something else here; take one on the same."
            )
    found, shapes = _load(run, there, names), jax.eval_shape(init, jax.random.key(0))
    for name in names:
        here, learnt = (_told(tree.get(name, {})) for tree in (shapes, found))
        if here != learnt:
            raise UsageError(
                f"--pretrained={run} has learnt the {name} {learnt}, and here it is {here}; take a "
                "run whose layers are the same."
            )
    return found


def of_language_model(
    config: Any, init: Callable[[jax.Array], Any], symbols: Symbols
) -> dict[str, Any]:
    """The "embedding" and the "rnn" of a run of `experiments/language_model.py`, as `pretrained`.

    Args:
        config: the settings here.
        init: the model's parameters from a key; it has both, for these symbols.
        symbols: that the run must have learnt, with the same numbers.
    """
    return pretrained(
        config, init, task="language_model", names=("embedding", "rnn"),
        same=("cell", "num_layers", "hidden_size", "embedding_size"),
        files={"symbols.json": symbols.to_json() + "\n"},
    )  # fmt: skip


def _load(run: str, config: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    params = load_params(run, None, hosts.warn, Identity.recorded(config, {}))[1]
    several = config["flags"].get("num_seeds", 1) > 1
    kept = {name: params[name] for name in names if name in params}
    return jax.tree.map(lambda a: a[0], kept) if several else kept


def _told(tree: Any) -> str:
    leaves = jax.tree.leaves_with_path(tree)
    named = [(jax.tree_util.keystr(p, simple=True, separator="/"), leaf) for p, leaf in leaves]
    return ", ".join(f"{name} {list(leaf.shape)}" for name, leaf in named) or "nothing"
