"""What the experiment on spoken digits consists of: strings to learn from, losses, scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from rich.table import Table
from rich.text import Text

from rnnjax.data import digit_strings, log_mel, string_scores
from rnnjax.data.digit_strings import DigitStrings
from rnnjax.data.recordings import RATE, Recordings
from rnnjax.data.spoken_digits import Heard, SpokenDigits
from rnnjax.data.wav_file import read_wav
from rnnjax.decoding.ctc import best_path, occupancy, prefix_beam_search
from rnnjax.errors import DataError
from rnnjax.reports.spoken_strings import SpokenString
from rnnjax.training.spectrum_masks import leave_out

BLANK, CLASSES = 10, 11
"""Ten digits, and the blank."""
MOST_BANDS, MOST_STEPS = 8, 6
MOST_FOUND = 20
"""The most digits that are searched in a string."""
BATCH = 100
"""Strings that are tested at a time."""


class Steps(NamedTuple):
    """Where strings have steps: bool ``[N, T]``."""

    mask: np.ndarray


def to_learn(data: SpokenDigits, number: int, parts: int, speeds: tuple[float, float]) -> Any:
    """Strings to learn from, as ``((steps, strings), lengths)``.

    Args:
        data: their recordings.
        number: of strings in an epoch.
        parts: epochs, each with strings of its own.
        speeds: the slowest and the fastest.
    """
    rng = np.random.default_rng(0)  # the same for all seeds, which may be trained at once
    recordings, chosen = data.recordings, data.part("train")
    strings = digit_strings.draw(rng, recordings, chosen, number * parts, speeds=speeds)
    lengths = log_mel.num_steps(strings.ends(recordings.lengths)[:, -1])
    mask = np.arange(lengths.max()) < lengths[:, None]
    return (Steps(mask), strings), lengths


def hearing(recordings: Recordings) -> Callable[[DigitStrings, int, jax.Array], Any]:
    """``hear(strings, T, key)``: features of strings and their mask, of T steps, in a program."""
    own = Recordings(*map(jnp.asarray, recordings))

    def hear(strings: DigitStrings, steps: int, key: jax.Array) -> tuple[jax.Array, jax.Array]:
        longest = log_mel.SHORTEST + (steps - 1) * log_mel.STEP_SAMPLES
        noise = jax.random.normal(key, (len(strings.counts), longest))
        samples, lengths = strings.samples(own, noise, jnp)
        return log_mel.features(samples, jnp.minimum(lengths, longest), jnp)

    return hear


def losses(logits: jax.Array, mask: Any, labels: Any, padding: Any) -> jax.Array:
    """CTC's -log p(labels) of each row, in nats, ``[B]``."""
    left_out, behind = (jnp.asarray(each, logits.dtype) for each in (~mask, padding))
    return optax.ctc_loss(logits, left_out, labels, behind, blank_id=BLANK)


def learning(config: Any, apply: Callable[..., Any], recordings: Recordings) -> Any:
    """The loss of a batch of strings, which are put together in the program.

    Args:
        config: the settings.
        apply: ``apply(params, features, mask=…)``, the carry and logits.
        recordings: that the strings consist of.
    """
    hear = hearing(recordings)

    def loss(params: Any, carry: Any, batch: Any, key: jax.Array) -> tuple[jax.Array, Any]:
        steps, strings = batch
        strings = DigitStrings(*strings)
        hear_key, hide_key, noise_key, drop_key = jax.random.split(key, 4)
        features, mask = hear(strings, steps.mask.shape[1], hear_key)
        if config.augment:
            features = leave_out(
                hide_key, features, mask, num_bands=log_mel.BANDS, most_bands=MOST_BANDS,
                most_steps=MOST_STEPS,
            )  # fmt: skip
        features += config.noise * jax.random.normal(noise_key, features.shape)
        how: Any = {"training": True, "rngs": {"dropout": drop_key}}
        _, logits = apply(params, features, mask=mask, **how)
        labels, padding = strings.labels(recordings.digits, jnp)
        return losses(logits, mask, labels, padding), carry

    return loss


class Answers(NamedTuple):
    """What was understood of some strings."""

    texts: list[str]
    """Digits between blanks, by the best path."""
    times: list[list[float]]
    """When each of them was heard, in seconds."""
    searched: list[str]
    """Digits by prefix beam search; as the best path has them where nothing was searched."""


def understood(logits: Any, mask: np.ndarray, beam_size: int | None = None) -> Answers:
    """What logits ``[N, T, 11]`` of steps with a mask ``[N, T]`` say.

    Args:
        logits: of digits and the blank.
        mask: where there are steps.
        beam_size: of the search, if there is to be one.
    """
    path = jax.tree.map(np.asarray, best_path(logits, mask, blank=BLANK))
    rows = [row[:n].tolist() for row, n in zip(path.tokens, path.lengths, strict=True)]
    texts = [" ".join(map(str, row)) for row in rows]
    when = log_mel.CENTRE_SECONDS + log_mel.STEP_SECONDS * path.steps
    times = [row[:n].tolist() for row, n in zip(when, path.lengths, strict=True)]
    if beam_size is None:
        return Answers(texts, times, texts)
    found = prefix_beam_search(
        logits, mask, blank=BLANK, beam_size=beam_size, max_length=MOST_FOUND
    )
    best = zip(np.asarray(found.tokens)[:, 0], np.asarray(found.lengths)[:, 0], strict=True)
    return Answers(texts, times, [" ".join(map(str, row[:n].tolist())) for row, n in best])


def judged(logits: Any, heard: Heard, name: str, beam_size: int | None = None) -> dict[str, float]:
    """The figures of a part: loss, digit error and string accuracy, distance of the spikes.

    Args:
        logits: of one seed, ``[N, T, 11]``.
        heard: the strings.
        name: of the part, in front of each figure.
        beam_size: for figures of the search, too.
    """
    answers, texts = understood(logits, heard.mask, beam_size), heard.texts()
    far = string_scores.distances(answers.texts, answers.times, texts, heard.begins, heard.ends)
    each = losses(logits, heard.mask, heard.labels, heard.padding)
    figures = {"loss": float(each.mean()), **string_scores.rates(answers.texts, texts)}
    figures["spike_distance_ms"] = 1000 * float(far.mean()) if len(far) else float("nan")
    figures["spikes_within_20_ms"] = float((far <= 0.02).mean()) if len(far) else 0.0
    if beam_size is not None:
        searched = string_scores.rates(answers.searched, texts)
        figures |= {f"beam_{kind}": value for kind, value in searched.items()}
    return {f"{name}_{kind}": value for kind, value in figures.items()}


def table(figures: Mapping[str, Any], names: Mapping[str, str]) -> Table:
    """What is right and wrong in each part; of several seeds the means.

    Args:
        figures: as `judged` gives them.
        names: of the parts, by what stands in front of their figures.
    """

    def mean(kind: str) -> float:
        return float(np.mean(figures[kind]))

    found = Table(title=Text("strings of five digits", "table.title"))
    for column in ("voices", "decoded by", "digits wrong", "strings right", "spikes off by"):
        found.add_column(column, justify="left" if column in ("voices", "decoded by") else "right")
    for part, name in names.items():
        for how, prefix in (("best path", part), ("beams", f"{part}_beam")):
            shares = mean(f"{prefix}_digit_error"), mean(f"{prefix}_string_accuracy")
            off = f"{mean(f'{part}_spike_distance_ms'):.1f} ms" if how == "best path" else ""
            found.add_row(name, how, *(f"{100 * share:.2f} %" for share in shares), off)
    return found


def shown(logits: Any, heard: Heard, row: int, name: str) -> SpokenString:
    """One string of a part, to be drawn.

    Args:
        logits: of one seed, ``[N, T, 11]``.
        heard: the strings.
        row: which of them.
        name: what stands above it.
    """
    own = (np.asarray(part)[row : row + 1] for part in (logits, heard.mask))
    given, mask = own
    answers, count = understood(given, mask), int(heard.strings.counts[row])
    shares = occupancy(
        given, mask, heard.labels[row : row + 1], heard.padding[row : row + 1], blank=BLANK
    )
    steps = int(mask.sum())
    frames = heard.features[row, :steps].reshape(-1, log_mel.BANDS)
    return SpokenString(
        name, frames, heard.texts()[row].split(), heard.begins[row, :count],
        heard.ends[row, :count],
        log_mel.CENTRE_SECONDS + log_mel.STEP_SECONDS * np.arange(steps),
        np.asarray(jax.nn.softmax(given[0, :steps])), answers.texts[0].split(), answers.times[0],
        np.asarray(shares)[0, :steps, 1 : 2 * count : 2],
    )  # fmt: skip


def recording(path: str) -> tuple[np.ndarray, np.ndarray]:
    """The features of a user's WAV file ``[1, T, 80]``, and their mask.

    Raises:
        DataError: it can't be read, or has not a single step.
    """
    samples = read_wav(path, RATE)
    if len(samples) < log_mel.SHORTEST:
        raise DataError(
            f"{path} lasts {1000 * len(samples) / RATE:.0f} milliseconds; give a recording of "
            f"{1000 * log_mel.SHORTEST / RATE:.0f} or more."
        )
    features, mask = log_mel.features(samples[None], np.array([len(samples)]))
    return features.astype(np.float32), mask
