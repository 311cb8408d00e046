"""What the experiments have in common that turn one sequence into another."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from rnnjax import attention as at
from rnnjax.cell import Cell, Layer
from rnnjax.cells import CELLS
from rnnjax.combinators import Bidirectional, Stack
from rnnjax.data.codes import END, PAD, START, Codes
from rnnjax.data.pairs import Pairs
from rnnjax.devices.layout import Layout
from rnnjax.errors import UsageError
from rnnjax.experiment.building import applying, build_cell
from rnnjax.initializers import INITIALIZATIONS
from rnnjax.models import EncoderDecoder
from rnnjax.models.answers import Answers, How, alignments, answer
from rnnjax.models.encoder_decoder import BRIDGES, READOUTS
from rnnjax.models.own_words import SCHEDULES, right_share, with_own_words
from rnnjax.training import settings
from rnnjax.training.lengths import Cut
from rnnjax.training.optimizers import SCHEDULES as RATES
from rnnjax.training.sequence_losses import (
    mean_by_symbol,
    scoring_symbols,
    sums_by_row,
    symbol_losses,
)
from rnnjax.training.settings import setting

RATE: Any = {"at_least": 0, "below": 1}
DECODERS = ("plain", "context", "attending", "input_feeding", "conditional")
"""How a decoder knows the source: by its first state; by its last state at every step; or by
attention, in one of the three ways of `rnnjax.attention`."""

ATTENTIONS: dict[str, Callable[[int, int, dict[str, Any]], at.Attention]] = {
    "additive": lambda q, m, how: at.Additive(q, m, q, **how),
    "concat": lambda q, m, how: at.Additive(q, m, q, use_bias=False, **how),
    "dot": lambda q, m, how: at.Dot(q, m),
    "general": lambda q, m, how: at.General(q, m, **how),
    "coverage": lambda q, m, how: at.Coverage(q, m, q, **how),
    "location": lambda q, m, how: at.LocationAware(q, m, q, **how),
}
"""Ways of scoring for queries of q and places of m features; what is hidden in them has q."""

A_PAIR = (
    jax.ShapeDtypeStruct((1, 2), jnp.int32),
    jax.ShapeDtypeStruct((1, 2), jnp.bool_),
    jax.ShapeDtypeStruct((1, 2), jnp.int32),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Config(settings.Config):
    """The settings of an encoder and a decoder, and of how they learn and answer."""

    cell: str = setting("gru", "recurrent cell of both", choices=CELLS)
    hidden_size: int = setting(256, "units of each recurrent layer, in each direction", at_least=1)
    embedding_size: int = setting(128, "features of a symbol, in both languages", at_least=1)
    bidirectional: bool = setting(True, "the encoder reads both ways")
    decoder: str = setting("attending", "how it knows the source", choices=DECODERS)
    attention: str = setting("additive", "how places are scored", choices=ATTENTIONS)
    bridge: str = setting("tanh", "from the encoder's state to the decoder's", choices=BRIDGES)
    readout: str = setting("deep", "what the last layer reads", choices=READOUTS)
    tied: bool = setting(False, "one matrix for target embedding and output")
    reverse_source: bool = setting(False, "read sources from their end to their beginning")
    dropout: float = setting(0.3, "rate, on embeddings and between layers", **RATE)
    memory_dropout: float = setting(0.0, "rate, on the encoder's outputs", **RATE)
    readout_dropout: float = setting(0.3, "rate, on what the last matrix reads", **RATE)
    label_smoothing: float = setting(0.0, "share of a target that all symbols have", **RATE)
    # Keras's small embeddings keep such a model at the frequencies of words for hundreds of steps.
    right_words: float = setting(
        1.0, "share of the right words that the decoder reads in training; the others are its own",
        at_least=0, at_most=1,
    )  # fmt: skip
    right_words_schedule: str = setting(
        "constant", "how the share falls to this from 1 in the course of the run", choices=SCHEDULES
    )
    initialization: str = setting("torch", "distributions", choices=INITIALIZATIONS)
    uniform: float | None = setting(
        None, "draw every parameter uniformly within ±this instead", positive=True
    )
    max_length: int = setting(
        50, "symbols of a pair's longer side; longer ones are not learnt from", at_least=2
    )
    length_groups: int = setting(
        4, "groups of batches by length, each a program", at_least=1, at_most=100
    )
    clip_norm: float | None = setting(1.0, "largest norm of the gradient", positive=True)
    schedule: str = setting("cosine", "how the rate falls", choices=RATES)
    keep_best: bool = setting(True, "end with the parameters that validated best")
    beam_size: int = setting(1, "answers searched at a time; 1: the likeliest symbol", at_least=1)
    length_penalty: float = setting(0.0, "exponent that favours long answers", at_least=0)
    coverage_penalty: float = setting(
        0.0, "factor on what of the source attention has not read", at_least=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bridge == "copy" and self.bidirectional:
            raise UsageError(
                "--bridge=copy hands the encoder's state on, which two directions have two of; "
                "say --nobidirectional, or --bridge=tanh."
            )
        if self.coverage_penalty and self.decoder in ("plain", "context"):
            raise UsageError(
                f"--coverage_penalty is for attention, which --decoder={self.decoder} has not."
            )


def build_model(config: Any, num_sources: int, num_targets: int) -> EncoderDecoder:
    """The encoder and the decoder of the settings, for vocabularies of these sizes."""
    how = {"initialization": config.initialization}
    layers: list[Layer] = []
    size = config.embedding_size
    for _ in range(config.num_layers):
        one = build_cell(config, size, **how)
        layers.append(Bidirectional(one) if config.bidirectional else one)
        size = layers[-1].output_size
    encoder = layers[0] if len(layers) == 1 else Stack(tuple(layers), dropout=config.dropout)
    same = (
        "embedding_size", "bridge", "readout", "tied", "dropout", "memory_dropout",
        "readout_dropout", "initialization",
    )  # fmt: skip
    return EncoderDecoder(
        num_sources, num_targets, encoder, _decoder(config, size, how),
        context=config.decoder == "context", **{name: getattr(config, name) for name in same},
    )  # fmt: skip


def _decoder(config: Any, memory_size: int, how: dict[str, Any]) -> Cell:
    inputs = config.embedding_size + (memory_size if config.decoder == "context" else 0)
    cells: list[Cell] = []
    for _ in range(config.num_layers):
        cells.append(build_cell(config, cells[-1].output_size if cells else inputs, **how))
    own = cells[0] if len(cells) == 1 else Stack(tuple(cells), dropout=config.dropout)
    if config.decoder in ("plain", "context"):
        return own
    try:
        scoring = ATTENTIONS[config.attention](own.output_size, memory_size, how)
    except ValueError as error:
        raise UsageError(f"--attention={config.attention}: {error}") from None
    if config.decoder == "attending":
        return at.Attending(own, scoring, **how)
    if config.decoder == "input_feeding":
        size = config.embedding_size if config.tied else config.hidden_size
        return at.InputFeeding(own, scoring, attentional_size=size, **how)
    if config.num_layers > 1:
        raise UsageError("--decoder=conditional has two cells and no layers; say --num_layers=1.")
    second = build_cell(config, memory_size, **how)
    return at.Conditional(own, scoring, second=second, **how)


class Arrays(NamedTuple):
    """Pairs as numbers, padded behind to one length: int32 ``[N, T]``."""

    sources: np.ndarray
    before: np.ndarray
    """What stands before each number of the targets."""
    targets: np.ndarray
    """Each with its end."""

    @property
    def lengths(self) -> np.ndarray:
        """Of each pair's longer side, ``[N]``."""
        sizes = [(array != PAD).sum(axis=1) for array in (self.sources, self.targets)]
        return np.maximum(*sizes)


@dataclasses.dataclass(frozen=True)
class Encoding:
    """How texts become numbers.

    Args:
        source: codes of sources.
        target: codes of targets.
        reverse: whether sources are read from their end.
    """

    source: Codes
    target: Codes
    reverse: bool = False

    def sources(self, texts: Sequence[str]) -> list[np.ndarray]:
        """Numbers ``[S]`` of each text."""
        step = -1 if self.reverse else 1
        return [self.source.encode(text)[::step] for text in texts]

    def arrays(self, pairs: Pairs, longest: int | None = None) -> Arrays:
        """All examples of pairs that are not longer, as arrays.

        Args:
            pairs: sources and references.
            longest: numbers of the longer side, the end counted; None for all.

        Raises:
            UsageError: there is none.
        """
        examples = pairs.examples()
        sources = self.sources([source for source, _ in examples])
        targets = [np.append(self.target.encode(target), END) for _, target in examples]
        kept = [
            (s, t)
            for s, t in zip(sources, targets, strict=True)
            if len(s) and (longest is None or max(len(s), len(t)) <= longest)
        ]
        if not kept:
            raise UsageError(f"--max_length={longest}: all pairs are longer; give a larger one.")
        width = longest or max(max(len(s), len(t)) for s, t in kept)
        padded = Arrays(*(np.full((len(kept), width), PAD, np.int32) for _ in range(3)))
        for row, (s, t) in enumerate(kept):
            padded.sources[row, : len(s)] = s
            padded.before[row, : len(t)] = [START, *t[:-1]]
            padded.targets[row, : len(t)] = t
        return padded


def learning(
    config: Any, layout: Layout, model: EncoderDecoder, cut: Cut, num_updates: int
) -> tuple[Any, Callable[..., Any]]:
    """The loss to learn by, and one that gives each pair's sum and number of symbols, ``[B, 2]``.

    Args:
        config: the settings.
        layout: of seeds and rows over devices.
        model: an encoder and a decoder.
        cut: to the length of each batch.
        num_updates: of the whole run.
    """
    apply = applying(config, model)
    schedule = config.right_words_schedule

    def losses(params: Any, batch: Any, smoothing: float, **options: Any) -> jax.Array:
        logits = apply(params, batch.sources, batch.sources != PAD, batch.before, **options)
        return symbol_losses(logits, batch.targets, smoothing)

    def loss(
        params: Any, carry: Any, batch: Any, key: jax.Array, step: jax.Array
    ) -> tuple[jax.Array, Any]:
        if config.right_words < 1:
            share = right_share(schedule, config.right_words, step / num_updates)
            chosen = jax.random.fold_in(key, 1)
            is_right = jax.random.bernoulli(chosen, share, batch.before.shape)
            own = with_own_words(model, params, batch.sources, batch.before, is_right)
            batch = batch._replace(before=own)
        how: Any = {"training": True, "rngs": {"dropout": key}}
        each = losses(params, batch, config.label_smoothing, **how)
        return mean_by_symbol(each, batch.targets != PAD), carry

    def sums(params: Any, batch: Any) -> jax.Array:
        def of(batch: Any) -> jax.Array:
            return sums_by_row(losses(params, batch, 0.0), batch.targets != PAD)

        return cut_pairs(cut, layout, of, batch)

    return loss, sums


def cut_pairs(cut: Cut, layout: Layout, function: Callable[[Any], Any], batch: Any) -> Any:
    """What a function gives of `Arrays` without the padding that all of their rows have."""
    there = (batch.sources != PAD) | (batch.targets != PAD)
    return cut(function, batch, there, layout)


def scoring(
    sums: Callable[..., Any], arrays: Arrays, layout: Layout, part: str
) -> Callable[[Any], dict[str, np.ndarray]]:
    """Loss and perplexity per symbol of given targets, ends counted: a function of parameters.

    Args:
        sums: of `learning`.
        arrays: the pairs.
        layout: of seeds and rows over devices.
        part: "validation" or "test".
    """
    order = np.argsort(arrays.lengths, kind="stable")  # so that batches are of similar length
    return scoring_symbols(sums, Arrays(*(array[order] for array in arrays)), layout, part)


def scoring_fed_back(
    sums: Callable[..., Any], model: EncoderDecoder, arrays: Arrays, layout: Layout, part: str
) -> Callable[[Any], dict[str, np.ndarray]]:
    r"""The same of a model that goes on from its own symbols: ``<part>_fed_back_perplexity``.

    .. math:: \mathrm{loss} = -\mathrm{mean}_t \log p(w_t \mid \hat w_0 … \hat w_{t-1}), \quad
              \hat w_t = \arg\max_w p(w \mid \hat w_0 … \hat w_{t-1})

    The lengths are those of the targets, whatever it writes. Where its words stand in another order
    every right one costs much: this is far above the loss after right ones.

    Args:
        sums: of `learning`.
        model: an encoder and a decoder.
        arrays: the pairs.
        layout: of seeds and rows over devices.
        part: "validation" or "test".
    """

    def of_own(params: Any, batch: Arrays) -> jax.Array:
        sources, before = jnp.asarray(batch.sources), jnp.asarray(batch.before)
        own = with_own_words(model, params, sources, before, jnp.zeros(before.shape, bool))
        return sums(params, batch._replace(before=own))

    return scoring(of_own, arrays, layout, f"{part}_fed_back")


def how_to_answer(config: Any) -> How:
    """The search that --beam_size, --length_penalty and --coverage_penalty ask for."""
    return How(
        START, END, 2 * config.max_length, config.beam_size, config.length_penalty,
        config.coverage_penalty,
    )  # fmt: skip


def answering(
    config: Any, model: EncoderDecoder, encoding: Encoding, **options: Any
) -> Callable[[Any, Sequence[str]], Answers]:
    """The answers to texts, ``answers(params, texts)``, as --beam_size and --length_penalty say.

    Args:
        config: the settings.
        model: an encoder and a decoder.
        encoding: of its texts.
        options: of `rnnjax.models.answers.answer`, in their place.
    """
    how = how_to_answer(config)._asdict() | options
    ask = functools.partial(answer, model, **how)
    return lambda params, texts: ask(params, encoding.sources(texts))


def aligning(
    model: EncoderDecoder, encoding: Encoding
) -> Callable[[Any, Sequence[str], Sequence[str]], list[np.ndarray]]:
    """Where answers were looked for, ``looked(params, texts, answers)``: weights ``[T, S]`` each.

    T are the symbols of an answer and its end, S those of a text in its own order.

    Args:
        model: an encoder, and a decoder with attention.
        encoding: of its texts.
    """
    order = -1 if encoding.reverse else 1

    def looked(params: Any, texts: Sequence[str], answers: Sequence[str]) -> list[np.ndarray]:
        written = [np.append(encoding.target.encode(own), END) for own in answers]
        found = alignments(model, params, encoding.sources(texts), written, start=START)
        return [weights[:, ::order] for weights in found]

    return looked
