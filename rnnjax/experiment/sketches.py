"""How well drawings are foretold, and drawings that a run makes, as files to look at."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax.data.drawings import LIFTED, PADDING, Drawings, DrawingsDataset
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.models.mixture_density import as_mixture, log_density
from rnnjax.models.sketch import Sketcher, point_losses
from rnnjax.models.sketching import between, go_on
from rnnjax.reports.drawings import FORMATS, Drawn, density_map, write_grid
from rnnjax.training.evaluation import Predictor
from rnnjax.training.fields import shown, whole_numbers
from rnnjax.training.lengths import Cut

KIND = "drawings.json"
TEMPERATURES = (0.1, 0.25, 0.5, 0.75, 1.0)
COMPLETED = 3
WAYS = 10
GRID = 160
"""Places along the longer side of a density."""

Extent = tuple[float, float, float, float]
"""Left, right, top and bottom of what is covered."""

Rows = tuple[list[list[Drawn]], list[str]]
"""Rows of drawings, and the label of each."""


@dataclasses.dataclass(frozen=True)
class Kind:
    """What a run's parameters mean nothing without.

    Args:
        longest: the most points of a drawing.
        scale: what offsets were divided by.
    """

    longest: int
    scale: float

    def to_json(self) -> str:
        """As a text for a file."""
        return json.dumps(dataclasses.asdict(self)) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Kind:
        """Of such a text."""
        return cls(**json.loads(text))


class Trained(NamedTuple):
    """A model with what it has learnt."""

    model: Sketcher
    params: Any
    longest: int
    """Points to draw at most."""


# how well drawings are foretold


def scoring(
    apply: Callable[..., Any], part: Drawings, num_latents: int, cut: Cut, layout: Layout
) -> Predictor:
    """Of each drawing the nats of its offsets and of its pen, its points, and the nats of z.

    With an encoder z is drawn once for each drawing, always the same. Rows ``[N, 4]`` are sorted by
    length.

    Args:
        apply: ``apply(params, offsets, pens, noise)``, as of a `rnnjax.models.Sketcher`.
        part: the drawings.
        num_latents: Z, 0 without an encoder.
        cut: to the length of each batch.
        layout: of seeds and rows over devices.
    """

    def of_rows(params: Any, batch: tuple[Drawings, jax.Array]) -> jax.Array:
        drawings, noise = batch

        def of(own: Drawings) -> jax.Array:
            outputs, latent = apply(params, own.offsets, own.pens, noise)
            nats = point_losses(outputs, jnp.asarray(own.offsets), jnp.asarray(own.pens))
            nats = nats.sum(axis=1)
            number = (own.pens != PADDING).sum(axis=1).astype(nats.dtype)
            divergence = jnp.zeros_like(number) if latent is None else latent.divergence()
            return jnp.stack((nats[:, 0], nats[:, 1], number, divergence), axis=1)

        return cut(of, drawings, jnp.asarray(drawings.pens) != PADDING, layout)

    in_order = part.chosen(np.argsort(part.lengths, kind="stable"))
    # Without z nobody reads it; arrays of no size can't be cut into batches.
    noise = np.random.default_rng(0).normal(size=(len(part.pens), max(1, num_latents)))
    return Predictor(of_rows, (in_order, noise.astype(np.float32)), 100, layout)


def parts(rows: jax.Array | np.ndarray) -> dict[str, float]:
    """Nats per point of the offsets, the pen and z, from the rows of `scoring`; means of seeds."""
    sums = np.asarray(rows, np.float64).sum(axis=-2)
    names = {"offsets": 0, "pen": 1, "z": 3}
    return {name: float((sums[..., i] / sums[..., 2]).mean()) for name, i in names.items()}


def figures(
    rows: jax.Array | np.ndarray, part: str, num_latents: int, kl_weight: float, kl_floor: float
) -> dict[str, np.ndarray]:
    """``<part>_loss``: nats per point; with an encoder a bound that counts the nats of z in full.

    With one there is also ``<part>_cost``, what training makes small in the end: nats per point of
    the drawing given z, and so many times the nats per number of z.

    Args:
        rows: of `scoring`.
        part: "validation" or "test".
        num_latents: Z, 0 without an encoder.
        kl_weight: that factor.
        kl_floor: what these nats cost at least.
    """
    rows_ = np.asarray(rows, np.float64)
    offsets, pen, number, divergence = np.moveaxis(rows_.sum(axis=-2), -1, 0)
    found = {f"{part}_loss": (offsets + pen + divergence) / number}
    if num_latents:
        each = divergence / rows_.shape[-2] / num_latents
        cost = (offsets + pen) / number + kl_weight * np.maximum(each, kl_floor)
        found[f"{part}_cost"] = cost
    return found


# drawings that a run makes


def check_out(out: str) -> None:
    """Raises a `UsageError` if a file can't be drawn by its name."""
    if Path(out).suffix.lower() not in FORMATS:
        raise UsageError(f"--out={shown(out)} must end in {' or '.join(FORMATS)}.")


def write(path: Path, title: str, rows: Sequence[Sequence[Drawn]], labels: Sequence[str]) -> None:
    """Writes drawings in rows.

    Raises:
        UsageError: the file can't be written.
    """
    try:
        write_grid(path, title, rows, labels)
    except OSError as error:
        raise UsageError(f"--out={path} can't be written ({error.strerror}).") from None


def samples(own: Trained, data: Any, config: Any) -> Rows:
    """Drawings at --temperature."""
    del data
    drawn = sampled(own, config.num_samples, config.temperature, jax.random.key(config.seed))
    return in_rows(drawn), _labels(len(drawn), f"temperature {config.temperature:g}")


def completions(own: Trained, data: DrawingsDataset, config: Any) -> Rows:
    """The first half of the test drawing --complete, and how it goes on."""
    place = _place("--complete", config.complete, data.test)
    key = jax.random.key(config.seed)
    number, temperature = config.num_samples, config.temperature
    whole, *others = completed(own, data.test, place, number, temperature, key)
    rows = [[whole], *in_rows(others)]
    return rows, [f"test drawing {place + 1}", *_labels(number, "gone on")]


def interpolations(own: Trained, data: DrawingsDataset, config: Any) -> Rows:
    """What lies between the two test drawings of --interpolate."""
    numbers = whole_numbers("--interpolate", config.interpolate)
    places = [_place("--interpolate", number, data.test) for number in numbers]
    if own.model.encoder is None:
        raise UsageError(
            "--interpolate needs a run with an encoder, and that in --workdir has none; train with "
            "--preset=sketch_rnn, or give an --encoder_size."
        )
    key = jax.random.key(config.seed)
    row = interpolated(own, data.test, places, config.num_samples, config.temperature, key)
    return [row], [f"{numbers[0]} to {numbers[1]}"]


def in_rows(drawings: list[Drawn]) -> list[list[Drawn]]:
    """Rows of ten."""
    return [drawings[i : i + WAYS] for i in range(0, len(drawings), WAYS)]


def _labels(number: int, first: str) -> list[str]:
    return [first] + [""] * (-(-number // WAYS) - 1)


def _place(flag: str, number: int, part: Drawings) -> int:
    if number > len(part.pens):
        raise UsageError(
            f"{flag}: there is no test drawing {number:,}; they go from 1 to {len(part.pens):,}."
        )
    return number - 1


def as_drawn(offsets: np.ndarray, pens: np.ndarray, given: int = 0) -> Drawn:
    """A padded drawing ``[T, 2]``, ``[T]`` without its padding."""
    there = np.asarray(pens) != PADDING
    return Drawn(np.asarray(offsets)[there], np.asarray(pens)[there] == LIFTED, given)


def sampled(own: Trained, number: int, temperature: float, key: jax.Array) -> list[Drawn]:
    """So many drawings from nothing; with an encoder z is standard normal."""
    z_key, key = jax.random.split(key)
    size = own.model.latent_size
    z = None if own.model.encoder is None else jax.random.normal(z_key, (number, size))
    return _gone_on(own, *_nothing(number), key, temperature, z)


def completed(
    own: Trained, part: Drawings, place: int, number: int, temperature: float, key: jax.Array
) -> list[Drawn]:
    """A drawing, and so many ways in which the model goes on with its first half.

    With an encoder z is the mean of what it says of the half.
    """
    offsets, pens = part.offsets[place], part.pens[place]
    half = max(1, int((pens != PADDING).sum()) // 2)
    begun, states = (jnp.asarray(np.repeat(a[None, :half], number, 0)) for a in (offsets, pens))
    z = _encoded(own, begun, states)
    return [as_drawn(offsets, pens), *_gone_on(own, begun, states, key, temperature, z)]


def interpolated(
    own: Trained, part: Drawings, places: Sequence[int], number: int, temperature: float,
    key: jax.Array,
) -> list[Drawn]:  # fmt: skip
    """Two drawings, and between them so many of z's on the way from one's to the other's."""
    chosen = part.chosen(np.array(places))
    z = np.asarray(_encoded(own, *map(jnp.asarray, chosen)))
    way = jnp.asarray(between(z[0], z[1], number), jnp.float32)
    first, last = (as_drawn(*both) for both in zip(*chosen, strict=True))
    grey = [drawn._replace(given=len(drawn.offsets)) for drawn in (first, last)]
    return [grey[0], *_gone_on(own, *_nothing(number), key, temperature, way), grey[1]]


def _nothing(number: int) -> tuple[jax.Array, jax.Array]:
    """So many drawings without a point."""
    return jnp.zeros((number, 0, 2)), jnp.zeros((number, 0), jnp.int32)


def _encoded(own: Trained, offsets: jax.Array, pens: jax.Array) -> jax.Array | None:
    if own.model.encoder is None:
        return None
    latent: Any = own.model.apply({"params": own.params}, offsets, pens, method="encode")
    return latent.mean


def _gone_on(
    own: Trained, offsets: jax.Array, pens: jax.Array, key: jax.Array, temperature: float,
    z: jax.Array | None,
) -> list[Drawn]:  # fmt: skip
    more, states = go_on(
        own.model, own.params, offsets, pens, key, temperature, z,
        num_steps=own.longest - pens.shape[1],
    )  # fmt: skip
    both = np.concatenate((offsets, more), axis=1), np.concatenate((pens, states), axis=1)
    return [as_drawn(*each, given=pens.shape[1]) for each in zip(*both, strict=True)]


def density_of(own: Trained, drawn: Drawings) -> tuple[np.ndarray, Extent]:
    """How probable the next point was at each place of a drawing, and what that covers.

    Of all of its points the largest density, each divided by its own largest.

    Args:
        own: without an encoder.
        drawn: a single drawing.

    Returns:
        ``[height, width]``, and what it covers.
    """
    number = int(drawn.lengths[0])
    offsets, pens = (jnp.asarray(a[:, :number]) for a in drawn)
    outputs: Any = own.model.apply({"params": own.params}, offsets, pens)
    mixtures = jax.tree.map(lambda a: a[0, :, None, None], as_mixture(outputs[0]))
    places = np.cumsum(drawn.offsets[0, :number], axis=0)
    low, high = places.min(axis=0), places.max(axis=0)
    border = 0.15 * (high - low).max() + 1e-3
    (left, top), (right, bottom) = low - border, high + border
    step = max(right - left, bottom - top) / GRID
    xs, ys = np.arange(left, right, step), np.arange(top, bottom, step)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1)
    before = np.concatenate((np.zeros((1, 2)), places[:-1]))

    def largest(sums: jax.Array, one: Any) -> tuple[jax.Array, None]:
        mixture, place = one
        logs = log_density(mixture, jnp.asarray(grid, jnp.float32) - place)
        return jnp.maximum(sums, jnp.exp(logs - logs.max())), None

    start = jnp.zeros(grid.shape[:2])
    rows = mixtures, jnp.asarray(before[:, None, None], jnp.float32)
    found, _ = jax.jit(lambda start, rows: jax.lax.scan(largest, start, rows))(start, rows)
    return np.asarray(found), (left, right, top, bottom)


def draw_run(folder: Path, title: str, own: Trained, data: DrawingsDataset, seed: int) -> None:
    """Drawings at several temperatures, gone on with, between two others; a density."""
    keys = jax.random.split(jax.random.key(seed), 3)
    name = "drawings"
    rows = [sampled(own, WAYS, temperature, keys[0]) for temperature in TEMPERATURES]
    labels = [f"temperature {temperature:g}" for temperature in TEMPERATURES]
    some = data.test.chosen(np.arange(min(WAYS, len(data.test.pens))))
    real = [as_drawn(*both) for both in zip(*some, strict=True)]
    for suffix in FORMATS:
        write_grid(folder / f"{name}{suffix}", title, [*rows, real], [*labels, "test"])
    longest = np.argsort(-data.test.lengths, kind="stable")
    shown_ = longest[len(longest) // 4 :][:COMPLETED].tolist()
    rows = [completed(own, data.test, i, WAYS, 0.5, keys[1]) for i in shown_]
    labels = [f"test drawing {i + 1}" for i in shown_]
    write_grid(folder / "completed.png", title, rows, labels)
    if own.model.encoder is not None:
        pairs = [shown_[:2], shown_[1:3]]
        rows = [interpolated(own, data.test, pair, WAYS, 0.1, keys[2]) for pair in pairs]
        labels = [f"{pair[0] + 1} to {pair[1] + 1}" for pair in pairs]
        write_grid(folder / "interpolated.png", title, rows, labels)
    one = data.test.chosen(np.array(shown_[:1]))
    density, extent = density_of(own, one)
    drawn = as_drawn(one.offsets[0], one.pens[0])
    density_map(
        folder / "density.png", f"{title}\nwhere the next point may be", density, extent, drawn
    )
