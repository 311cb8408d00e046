"""Text that a language model writes, in the terminal while it is written."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console

from rnnjax import decoding
from rnnjax.data.symbols import END_OF_LINE, UNKNOWN, Symbols
from rnnjax.decoding.constraints import Constraint
from rnnjax.errors import UsageError
from rnnjax.models import LanguageModel

CHUNK = 16
"""Symbols that come at a time: often enough for a reader's eye."""


def step_function(model: LanguageModel) -> Callable[[Any, Any, jax.Array], tuple[Any, jax.Array]]:
    """``step(params, carry, symbols [B])``: the next carry and the logits ``[B, V]``."""

    def step(params: Any, carry: Any, symbols: jax.Array) -> tuple[Any, jax.Array]:
        outputs: Any = model.apply({"params": params}, symbols[:, None], carry)
        carry, logits = outputs
        return carry, logits[:, 0]

    return step


def write(
    console: Console, config: Any, model: LanguageModel, params: Any, symbols: Symbols
) -> None:
    """Writes --num_samples texts of --length symbols after --prompt; a single draw as it comes.

    Args:
        console: where they are shown.
        config: with the flags named here, --seed, --temperature, --top_k, --top_p and --beam_size.
        model: what writes.
        params: its parameters.
        symbols: that it knows.

    Raises:
        UsageError: the prompt holds symbols that it doesn't know.
    """
    prompt = encoded(config.prompt, symbols)
    rows = config.num_samples
    options: dict[str, Any] = {"num_steps": config.length, "constrain": known_words(symbols)}
    if rows == 1 and config.beam_size is None:
        step, carry, first, key = beginning(config, model, params, prompt[:, None])
        sampling = sampling_of(config)
        chunks = decoding.stream(step, carry, first, key, chunk=CHUNK, sampling=sampling, **options)
        for piece in pieces(symbols, config.prompt or "", (chunk[:, 0] for chunk in chunks)):
            console.out(piece, end="", highlight=False)
        console.out("")
        return
    tokens = np.repeat(prompt[:, None], rows, axis=1)
    written, losses = composed(config, model, params, tokens, **options)
    before = (config.prompt or "") + _after(config.prompt or "", symbols)
    for row in range(rows):
        nats = losses[row] / config.length
        console.rule(f"text {row + 1} of {rows}, {nats:.3f} nats per {symbols.unit}")
        console.out(before + symbols.decode(written[:, row]), highlight=False)


def sampling_of(config: Any) -> decoding.Sampling:
    """What --temperature, --top_k and --top_p say."""
    return decoding.Sampling(config.temperature, config.top_k, config.top_p)


def beginning(
    config: Any, model: LanguageModel, params: Any, tokens: np.ndarray
) -> tuple[Any, Any, Any, jax.Array]:
    """Step function, state before the last of the tokens ``[T, B]``, that one, and the key."""
    step = functools.partial(step_function(model), params)
    carry = model.layer.initial_carry((tokens.shape[1],))
    carry, _ = decoding.prime(step, carry, tokens[:-1])
    return step, carry, tokens[-1], jax.random.key(config.seed)


def composed(
    config: Any, model: LanguageModel, params: Any, tokens: np.ndarray, **options: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Texts drawn side by side, or with --beam_size the most probable ones that are found.

    Args:
        config: with the flags of `write`.
        model: what writes.
        params: its parameters.
        tokens: read first, ``[T, B]`` or ``[B]``; of beams all rows begin alike.
        options: ``num_steps`` and ``constrain``.

    Returns:
        Tokens ``[T, B]``, and the negative log-probability of each row in nats ``[B]``.
    """
    tokens = np.atleast_2d(tokens)
    rows = tokens.shape[1]
    if config.beam_size is None:
        step, carry, first, key = beginning(config, model, params, tokens)
        samples = decoding.sample(step, carry, first, key, sampling=sampling_of(config), **options)
        return np.asarray(samples.tokens), -np.asarray(samples.log_probs, np.float64).sum(axis=0)
    step, carry, first, _ = beginning(config, model, params, tokens[:, :1])
    found = decoding.beam_search(
        step, carry, first, beam_size=config.beam_size, max_steps=options["num_steps"], end=None,
        num_results=rows, constrain=options["constrain"],
    )  # fmt: skip
    return np.asarray(found.tokens[0]).T, -np.asarray(found.scores[0], np.float64)


def encoded(prompt: str | None, symbols: Symbols) -> np.ndarray:
    """What a model reads before it writes: a prompt, or the end of a line.

    Raises:
        UsageError: the prompt holds symbols that it doesn't know.
    """
    if prompt:
        try:
            return symbols.encode(prompt)
        except ValueError as error:
            raise UsageError(f"--prompt: {error}") from None
    for end in (END_OF_LINE, "\n"):
        if end in symbols.symbols:
            return np.array([symbols.number(end)], np.int32)
    return np.zeros(1, np.int32)


def pieces(symbols: Symbols, prompt: str, chunks: Iterator[np.ndarray]) -> Iterator[str]:
    """A text as it grows, each piece as soon as nothing behind it can change it any more.

    Args:
        symbols: that it is made of.
        prompt: what stands in front.
        chunks: of numbers ``[N]``.
    """
    yield prompt
    numbers: list[int] = []
    shown = 0
    for chunk in chunks:
        numbers += chunk.tolist()
        # Of a character in UTF-8 some bytes may be there, and others not yet.
        text = symbols.decode(numbers).rstrip("\ufffd")
        yield _after(prompt, symbols) * (shown == 0) + text[shown:]
        shown = len(text)
    yield symbols.decode(numbers)[shown:]


def _after(prompt: str, symbols: Symbols) -> str:
    """What separates a prompt from what is written behind it."""
    return " " if symbols.unit == "word" and prompt and not prompt[-1].isspace() else ""


def known_words(symbols: Symbols) -> Constraint | None:
    """Nobody wants to read that a word is unknown."""
    if UNKNOWN not in symbols.symbols:
        return None
    allowed = jnp.ones((1, len(symbols)), bool)
    return decoding.allow(allowed.at[0, symbols.number(UNKNOWN)].set(False))
