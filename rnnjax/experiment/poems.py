"""Quatrains that a language model writes in their form, and how good its free ones are."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
from rich.console import Console

from rnnjax import decoding
from rnnjax.data import quatrains
from rnnjax.data.corpora import Corpus
from rnnjax.data.ngram_baselines import fitted
from rnnjax.data.symbols import UNKNOWN, Symbols
from rnnjax.errors import UsageError
from rnnjax.experiment import writing
from rnnjax.experiment.experiment import Outcome
from rnnjax.models import LanguageModel
from rnnjax.reports.vertical_text import draw_poems

NUM_JUDGED = 1_000
"""Poems of each kind whose form is judged: a share of .99 is sure to ±.005 then."""
NUM_DRAWN = 4
NUM_LINES = quatrains.NUM_LINES


class Poems(NamedTuple):
    """Poems without their kinds, as text, and the surprise at each sign in nats."""

    texts: list[str]
    losses: np.ndarray
    """``[N, T]``."""


def form(kind: str, symbols: Symbols, wanted: dict[int, str]) -> np.ndarray:
    """Which signs may stand at each place of a poem, after its kind: bool ``[T, V]``.

    Args:
        kind: ``"<5>"`` or ``"<7>"``.
        symbols: of poems.
        wanted: signs that must stand, by their places.

    Raises:
        UsageError: one of them is unknown, or none that may stand there.
    """
    length = int(kind[1:-1])
    is_end = np.arange(NUM_LINES * (length + 1)) % (length + 1) == length
    special = [symbols.number(sign) for sign in (*quatrains.KINDS, UNKNOWN, "\n")]
    is_character = ~np.isin(np.arange(len(symbols)), special)
    ends = np.arange(len(symbols)) == symbols.number("\n")
    allowed = np.where(is_end[:, None], ends, is_character)
    for place, sign in wanted.items():
        if sign not in symbols.symbols:
            raise UsageError(f"{sign!r} is in none of the training poems; take another sign.")
        number = symbols.number(sign)
        if place >= len(allowed) or not allowed[place, number]:
            raise UsageError(
                f"{sign!r} can't be sign {place + 1} of a poem of {NUM_LINES} lines of {length} "
                "characters with a line end each; mend --prompt or --acrostic."
            )
        allowed[place] = np.arange(len(symbols)) == number
    return allowed


def asked_for(prompt: str | None, acrostic: str | None) -> tuple[str, dict[int, str]]:
    r"""The kind of the poem that is wished for, and the signs that must stand in it.

    Args:
        prompt: how it begins: a kind, signs, or both; without a kind the shorter one that fits.
        acrostic: the first signs of its lines.

    Raises:
        UsageError: both say what stands at a place, or the acrostic has more signs than lines.

    >>> asked_for("<7>春", "春")
    ('<7>', {0: '春'})
    >>> asked_for(None, "春夏")
    ('<5>', {0: '春', 6: '夏'})
    >>> asked_for("床前明月光照地", None)[0]
    '<7>'
    """
    found = re.match("|".join(quatrains.KINDS), prompt or "")
    begun = (prompt or "")[len(found[0]) if found else 0 :]
    longest = max(map(len, begun.split("\n")))
    kind = found[0] if found else quatrains.KINDS[longest > int(quatrains.KINDS[0][1:-1])]
    wanted = dict(enumerate(begun))
    if len(acrostic or "") > NUM_LINES:
        raise UsageError(f"--acrostic has {len(acrostic or '')} signs for {NUM_LINES} lines.")
    for line, sign in enumerate(acrostic or ""):
        place = line * (int(kind[1:-1]) + 1)
        if wanted.setdefault(place, sign) != sign:
            raise UsageError(
                f"--prompt has {wanted[place]!r} where --acrostic has {sign!r}; leave one out."
            )
    return kind, wanted


def write(
    console: Console, config: Any, model: LanguageModel, params: Any, symbols: Symbols
) -> None:
    """Writes --num_samples poems in their form, as --prompt, --acrostic and their like ask for.

    Raises:
        UsageError: no poem is as they ask for.
    """
    kind, wanted = asked_for(config.prompt, config.acrostic)
    allowed = form(kind, symbols, wanted)
    first = np.full(config.num_samples, symbols.number(kind), np.int32)
    tokens, losses = writing.composed(
        config, model, params, first, num_steps=len(allowed), constrain=decoding.allow(allowed)
    )
    for row, numbers in enumerate(tokens.T):
        if config.num_samples > 1:
            nats = losses[row] / len(allowed)
            console.rule(f"poem {row + 1} of {config.num_samples}, {nats:.3f} nats per sign")
        console.out(symbols.decode(numbers), end="", highlight=False)


def sampled(
    model: LanguageModel, params: Any, symbols: Symbols, kinds: list[str], seed: int
) -> Poems:
    """Poems of these kinds, drawn freely: nothing holds them to their form.

    Each has its signs up to where the next poem begins, or what was written in the time of the
    longest kind and one sign more.
    """
    first = np.array([symbols.number(kind) for kind in kinds], np.int32)
    longest = NUM_LINES * (int(quatrains.KINDS[-1][1:-1]) + 1) + 1
    samples = decoding.sample(
        functools.partial(writing.step_function(model), params),
        model.layer.initial_carry((len(kinds),)),
        first,
        jax.random.key(seed),
        num_steps=longest,
        constrain=writing.known_words(symbols),
    )
    texts = [symbols.decode(row) for row in np.asarray(samples.tokens).T]
    return Poems(texts, -np.asarray(samples.log_probs, np.float64).T)


def is_well_formed(kind: str, text: str) -> bool:
    r"""Whether there are four lines of the kind's length, and then another poem.

    >>> is_well_formed("<5>", "山山山山山\n" * 4 + "<7>山"), is_well_formed("<5>", "山\n" * 30)
    (True, False)
    """
    lines = rf"([^\n<>]{{{kind[1:-1]}}}\n){{{NUM_LINES}}}({'|'.join(quatrains.KINDS)})"
    return re.match(lines, text) is not None


def report(run: Outcome) -> dict[str, Any]:
    """Shows what can be told of poems for certain; of several seeds the mean.

    Returns:
        What `judged` gives.
    """
    each = []
    for seed in range(run.config.num_seeds):
        params, losses = run.of_seed(seed)
        each.append(judged(run.problem.model, params, run.data, losses))
    found = {name: float(np.mean([one[name] for one in each])) for name in each[0]}
    run.console.print(
        f"poems in their form {found['well_formed']:.4f} of {2 * NUM_JUDGED:,}; of their lines "
        f"{found['copied_lines']:.4f} stand in training\n"
        f"with line ends counted, perplexity {found['perplexity_with_ends']:.1f}; "
        f"Kneser-Ney {found['kneser_ney_with_ends']:.1f}"
    )
    return found


def judged(model: LanguageModel, params: Any, corpus: Corpus, losses: Any) -> dict[str, float]:
    """What can be told of poems for certain.

    Args:
        model: what was trained.
        params: its parameters.
        corpus: the quatrains.
        losses: of each sign of their test part but the first, in nats ``[N - 1]``.

    Returns:
        The share of free samples that are ``well_formed``, the share of their lines that stand
        word for word in training (``copied_lines``), and perplexities of lines 2 to 4 with the line
        ends counted: the model's, and that of the best n-gram.
    """
    kinds = [*quatrains.KINDS] * NUM_JUDGED
    poems = sampled(model, params, corpus.symbols, kinds, seed=0)
    formed = [is_well_formed(k, text) for k, text in zip(kinds, poems.texts, strict=True)]
    known = set(re.split(r"\n(?:<\d>)?|<\d>", corpus.symbols.decode(corpus.train)))
    written = [
        line
        for text, good in zip(poems.texts, formed, strict=True)
        if good
        for line in text.split("\n")[:NUM_LINES]
    ]
    scored = quatrains.places(corpus.test, corpus.symbols)[0] > 0
    starts = np.flatnonzero(np.isin(corpus.test, corpus.symbols.starts))
    counted = fitted(corpus, "Kneser-Ney").losses(corpus.test, starts, mask=scored)
    with_ends = np.asarray(losses, np.float64)[scored[1:]].mean()
    return {
        "well_formed": float(np.mean(formed)),
        "copied_lines": float(np.mean([line in known for line in written] or [0.0])),
        "perplexity_with_ends": float(np.exp(with_ends)),
        "kneser_ney_with_ends": float(np.exp(counted.min())),
    }


def draw(
    console: Console, folder: Path, title: str, model: LanguageModel, params: Any, corpus: Corpus
) -> None:
    """Draws poems as they are written, in columns, shaded by surprise; and writes them as a text.

    Args:
        console: is told where no font has the characters, and there is no picture.
        folder: for ``poems.png`` and ``poems.txt``.
        title: above the picture.
        model: what was trained.
        params: its parameters.
        corpus: the quatrains.
    """
    kinds = [*quatrains.KINDS] * (4 * NUM_DRAWN)
    poems = sampled(model, params, corpus.symbols, kinds, seed=1)
    good = [i for i, k in enumerate(kinds) if is_well_formed(k, poems.texts[i])][:NUM_DRAWN]
    texts = ["\n".join(poems.texts[i].split("\n")[:NUM_LINES]) for i in good]
    (folder / "poems.txt").write_text("\n\n".join([*texts, ""]), encoding="utf-8")
    losses = [poems.losses[i][: len(text)] for i, text in zip(good, texts, strict=True)]
    if (missing := draw_poems(folder / "poems.png", title, texts, losses)) is not None:
        console.print(missing)
