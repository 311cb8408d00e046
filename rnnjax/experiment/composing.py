"""Music that a model composes: as frames, as MIDI, as sound, as a piano roll and as a score."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from rich.console import Console

from rnnjax.data.midi_file import Note, notes_of, notes_of_roll, to_midi
from rnnjax.data.music_pieces import LOWEST_KEY, NUM_KEYS, VOICES, Music
from rnnjax.data.sound import to_wav
from rnnjax.decoding import feed_back
from rnnjax.errors import UsageError
from rnnjax.models import VoicesModel
from rnnjax.reports.piano_roll import plot_rolls
from rnnjax.reports.score import plot_score


@functools.partial(jax.jit, static_argnames=("model", "temperature"))
def compose(
    model: Any, params: Any, first: jax.Array, given: jax.Array, key: jax.Array, temperature: float
) -> jax.Array:
    """Frames drawn one after the other, each read before the next: one program.

    Args:
        model: a `PianoRollModel` or a `VoicesModel`.
        params: its parameters.
        first: the first frame of each row ``[B, D]``.
        given: what is known of the others ``[T, B, D]``; -1 where it is to be drawn.
        key: of all draws.
        temperature: as of the model's ``draw``.

    Returns:
        ``[T, B, D]``, the frames after the first.
    """

    def step(state: Any, frame: jax.Array) -> tuple[Any, Any]:
        carry, number = state
        carry, said = model.apply({"params": params}, carry, frame, method="step")
        return (carry, number + 1), (said, given[number])

    def draw(key: jax.Array, outputs: Any) -> jax.Array:
        said, known = outputs
        return model.apply({"params": params}, key, said, temperature, known, method="draw")

    begin = model.begin(len(first)), jnp.zeros((), jnp.int32)
    return feed_back(step, draw, begin, first, jax.random.split(key, len(given)))[1]


def kept_voices(names: str | None, pitches: tuple[int, ...]) -> list[int]:
    """The numbers of the voices that --voices names.

    Raises:
        UsageError: There are none of that name.
    """
    asked = [] if names is None else [name.strip() for name in names.split(",")]
    if asked and not pitches:
        raise UsageError("--voices is for pieces in voices (--dataset=jsb16); a roll has none.")
    if strange := [name for name in asked if name not in VOICES]:
        raise UsageError(f"--voices={names}: {strange[0]!r} is none of {', '.join(VOICES)}.")
    return [VOICES.index(name) for name in asked]


def composed(
    model: Any, params: Any, data: Music, *, piece: int, length: int, seed: int,
    temperature: float = 1.0, voices: str | None = None,
) -> np.ndarray:  # fmt: skip
    """A piece ``[length, D]`` that begins as one of the test pieces.

    Args:
        model: as of `compose`.
        params: its parameters.
        data: the pieces.
        piece: which of the test pieces, from 0.
        length: frames; no more than that piece has where voices are kept.
        seed: of all draws.
        temperature: as of the model's ``draw``.
        voices: those of the test piece that stay, by name.

    Raises:
        UsageError: There is no such piece, or no such voice.
    """
    if piece >= len(data.test.frames):
        raise UsageError(
            f"--piece={piece}: there are {len(data.test.frames)} test pieces, counted from 0."
        )
    kept = kept_voices(voices, data.pitches)
    dtype = jnp.int32 if isinstance(model, VoicesModel) else jnp.float32
    own = data.test.frames[piece, : data.test.lengths[piece]]
    length = min(length, len(own)) if kept else length
    given = np.full((length - 1, 1, own.shape[1]), -1)
    if kept:
        given[:, 0, kept] = own[1:length, kept]
    first, given = jnp.asarray(own[:1], dtype), jnp.asarray(given, dtype)
    rest = compose(model, params, first, given, jax.random.key(seed), temperature)
    return np.concatenate((own[:1], np.asarray(rest[:, 0], np.uint8)))


def likely_keys(model: Any, params: Any, piece: np.ndarray, pitches: tuple[int, ...]) -> np.ndarray:
    """How likely each key was in each frame but the first, given those before, ``[T - 1, 88]``.

    Of voices a key sounds if any voice has it, each given the voices above.
    """
    if not pitches:
        frames = jnp.asarray(piece[None], jnp.float32)
        said = jax.jit(model.apply)({"params": params}, frames[:, :-1])
        return np.asarray(jax.nn.sigmoid(said[1][0]))
    frames = jnp.asarray(piece[None], jnp.int32)
    logits = jax.jit(functools.partial(model.apply, method="logits"))({"params": params}, frames)
    likely = np.asarray(jax.nn.softmax(logits[0]))  # [T - 1, V, S]
    sounds = 1 - (1 - likely).prod(axis=1)
    found = np.zeros((len(sounds), NUM_KEYS))
    for symbol, pitch in enumerate(pitches):
        if pitch >= 0:
            found[:, pitch - LOWEST_KEY] = sounds[:, symbol]
    return found


def notes(data: Music, piece: np.ndarray) -> list[Note]:
    """The notes of a piece ``[T, D]``."""
    if not data.pitches:
        return notes_of_roll(piece > 0)
    return notes_of(np.array(data.pitches)[piece])


def write(
    console: Console, folder: Path, stem: str, title: str, data: Music, piece: np.ndarray,
    beside: np.ndarray,
) -> list[str]:  # fmt: skip
    """Writes a piece as ``.mid``, ``.wav`` and two pictures; gives the names of the files.

    Args:
        console: told what could not be written.
        folder: where.
        stem: of the names.
        title: above the pictures.
        data: what the frames mean.
        piece: ``[T, D]``.
        beside: a real piece ``[T, D]``, drawn above the other.
    """
    found = notes(data, piece)
    if not found:
        console.print("the piece is silent; a .mid and a .wav are not written", soft_wrap=True)
        return []
    files = {".wav": to_wav(found, data.per_quarter)}
    try:
        files[".mid"] = to_midi(found, data.per_quarter)
    except UsageError as error:
        console.print(f"no .mid: {error}", soft_wrap=True)
    for suffix, contents in files.items():
        (folder / f"{stem}{suffix}").write_bytes(contents)
    rolls = {"real": data.roll(beside)[: len(piece)], "composed": data.roll(piece)}
    plot_rolls(folder / f"{stem}-roll.png", title, rolls, data.per_quarter)
    plot_score(folder / f"{stem}-score.png", title, found, data.per_quarter)
    return [f"{stem}{suffix}" for suffix in (*files, "-roll.png", "-score.png")]
