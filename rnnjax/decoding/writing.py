"""Sampling whole sequences, as one program on the device or piece by piece."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.core import Tracer
from jax.tree_util import Partial

from rnnjax.checks import described
from rnnjax.decoding.constraints import Constraint
from rnnjax.decoding.row_keys import row_keys
from rnnjax.decoding.sampling import Sampling, in_float
from rnnjax.decoding.step_functions import (
    Carry,
    StepFunction,
    as_data,
    as_number,
    as_tokens,
    check_rows,
    logits_of,
)
from rnnjax.unrolling.chunked import where_rows


class SamplingState(NamedTuple):
    """Where a sample has got to; `resume` goes on from here."""

    carry: Carry
    """The state before `tokens` are read, arrays ``[B, ...]``; held where a row has ended."""
    tokens: jax.Array
    """What is read next: int32 ``[B]``."""
    keys: jax.Array
    """The key of each row, a typed key array ``[B]``; the same from beginning to end."""
    ended: jax.Array
    """Whether a row has written its end: booleans ``[B]``."""
    position: jax.Array
    """How many tokens have been written: an int32 scalar."""


class Samples(NamedTuple):
    """What was written."""

    tokens: jax.Array
    """int32 ``[T, B]``; behind a row's end the end again, and where no step was taken."""
    log_probs: jax.Array
    """Of each token in the model's own distribution, ``[T, B]``; 0 behind a row's end."""
    lengths: jax.Array
    """How many of the T tokens each row wrote, its end counted: int32 ``[B]``."""
    state: SamplingState
    """To go on from."""


def sample(
    step: StepFunction,
    carry: Carry,
    first_tokens: Any,
    key: jax.Array,
    *,
    num_steps: int,
    sampling: Sampling = Sampling(),  # noqa: B008 - a value
    end: int | None = None,
    forced: Any = None,
    constrain: Constraint | None = None,
) -> Samples:
    r"""Draws sequences, each token from the distribution that a step function gives for it.

    .. math:: (s_t, l_t) = \mathrm{step}(s_{t-1}, x_{t-1}), \qquad x_t \sim \mathrm{sampling}(l_t)

    One compiled program, which stops when all rows have ended. A row's draws depend on its own key
    and on the positions only: other rows change nothing, nor does it whether a sequence is
    written in one piece or, by `resume`, in several. (Another number of rows may change the last
    bits of a matrix product, and keys of another kind than JAX's default, threefry, may draw
    otherwise for several rows.)

    Args:
        step: a step function, ``(carry, tokens [B]) -> (carry, logits [B, V])``. Bind its
            parameters with `functools.partial`: `rnnjax.decoding.step_functions.StepFunction`.
        carry: the state before the first tokens, arrays ``[B, ...]``: that of a layer's
            `first_carry`, or what `prime` gives.
        first_tokens: integers ``[B]``, read first and not part of the result.
        key: a random key, of which each row's key is ``jax.random.fold_in(key, row)``; or the rows'
            own keys ``[B]``. Raw ones, uint32 ``[2]`` or ``[B, 2]``, will do.
        num_steps: T, the most tokens to write.
        sampling: the distribution drawn from.
        end: the token after which a row is complete; None for none.
        forced: integers ``[T', B]``, what stands at the positions from 0 on, -1 where the row is
            free, as behind the last one. They win over the constraint.
        constrain: which tokens may stand where: ``constrain(position, logits [B, V])`` gives the
            logits that are drawn from, such as `allow` makes it.

    Returns:
        `Samples`, time first.

    Raises:
        ValueError: an argument is not of its kind, or does not fit the others.

    >>> import functools, rnnjax
    >>> cell = rnnjax.GRU(input_size=5, hidden_size=5)
    >>> def step(params, carry, tokens):
    ...     return cell(params, carry, jax.nn.one_hot(tokens, 5))
    >>> params = cell.init(jax.random.key(0))
    >>> step = functools.partial(step, params)
    >>> carry, first = cell.first_carry(params, (2,)), jnp.array([1, 2])
    >>> samples = sample(step, carry, first, jax.random.key(1), num_steps=6, end=0)
    >>> samples.tokens.shape, samples.log_probs.shape, samples.lengths.shape
    ((6, 2), (6, 2), (2,))
    """
    state = _begin("sample", carry, first_tokens, key)
    return _resume("sample", step, state, num_steps, sampling, end, forced, constrain)


def resume(
    step: StepFunction,
    state: SamplingState,
    *,
    num_steps: int,
    sampling: Sampling = Sampling(),  # noqa: B008 - a value
    end: int | None = None,
    forced: Any = None,
    constrain: Constraint | None = None,
) -> Samples:
    """Goes on with a sample where it stands; for the arguments see `sample`.

    Positions count from the beginning of the first piece, for `forced` and `constrain` too. Given
    the same options, the pieces are together, bit for bit, what `sample` writes at once.

    Raises:
        ValueError: as `sample`.

    >>> def step(carry, tokens):
    ...     return carry, jnp.zeros((1, 10))
    >>> begun = sample(step, (), jnp.array([0]), jax.random.key(0), num_steps=4)
    >>> rest = resume(step, begun.state, num_steps=3)
    >>> whole = sample(step, (), jnp.array([0]), jax.random.key(0), num_steps=7)
    >>> bool((jnp.concatenate([begun.tokens, rest.tokens]) == whole.tokens).all())
    True
    """
    return _resume("resume", step, state, num_steps, sampling, end, forced, constrain)


def stream(
    step: StepFunction,
    carry: Carry,
    first_tokens: Any,
    key: jax.Array,
    *,
    num_steps: int | None = None,
    chunk: int = 16,
    sampling: Sampling = Sampling(),  # noqa: B008 - a value
    end: int | None = None,
    forced: Any = None,
    constrain: Constraint | None = None,
) -> Iterator[np.ndarray]:
    """Samples as `sample` does, and gives the tokens while they are written.

    One program, compiled once, writes each chunk. The chunks are together, bit for bit, the tokens
    that `sample` gives, up to the end of the longest row.

    Args:
        step: as for `sample`, like all that is not named here.
        carry: likewise.
        first_tokens: likewise.
        key: likewise.
        num_steps: the most tokens to write; None to go on until all rows have ended, or for ever.
        chunk: how many steps are taken before their tokens are given.
        sampling: as for `sample`.
        end: likewise.
        forced: likewise.
        constrain: likewise.

    Returns:
        An iterator over int32 arrays ``[<= chunk, B]``.

    Raises:
        ValueError: as `sample`, before the first chunk is asked for.

    >>> def count(carry, tokens):
    ...     return carry, jax.nn.one_hot(tokens + 1, 10)
    >>> greedy = Sampling(temperature=0)
    >>> for tokens in stream(
    ...     count, (), jnp.array([0]), jax.random.key(0), chunk=4, sampling=greedy, end=6
    ... ):
    ...     print(tokens[:, 0])
    [1 2 3 4]
    [5 6]
    """
    state = _begin("stream", carry, first_tokens, key)
    if num_steps is not None:
        num_steps = as_number("stream", "num_steps", num_steps, least=0)
    chunk = as_number("stream", "chunk", chunk, least=1)
    write = _prepare("stream", step, state, sampling, end, forced, constrain, num_steps=chunk)
    return _chunks(write, state, chunk, num_steps)


def _chunks(
    write: Any, state: SamplingState, chunk: int, num_steps: int | None
) -> Iterator[np.ndarray]:
    done = 0
    while num_steps is None or done < num_steps:
        wanted = chunk if num_steps is None else min(chunk, num_steps - done)
        samples = write(state, np.int32(wanted))
        state = samples.state
        taken = int(state.position) - done
        done += taken
        if taken:
            yield np.asarray(samples.tokens)[:taken]
        if taken < wanted or np.asarray(state.ended).all():
            return


def _resume(
    owner: str,
    step: StepFunction,
    state: SamplingState,
    num_steps: Any,
    *options: Any,
) -> Samples:
    num_steps = as_number(owner, "num_steps", num_steps, least=0)
    write = _prepare(owner, step, state, *options, num_steps=num_steps)
    return write(state, np.int32(num_steps))


def _prepare(
    owner: str,
    step: StepFunction,
    state: SamplingState,
    sampling: Sampling,
    end: Any,
    forced: Any,
    constrain: Any,
    *,
    num_steps: int,
) -> Any:
    """The program with everything that stays the same from piece to piece."""
    function = as_data(step, "step")
    if not isinstance(sampling, Sampling):
        raise ValueError(
            f"{owner}: sampling must be a Sampling, such as Sampling(temperature=0.8), but got "
            f"{described(sampling)}."
        )
    if end is not None:
        end = np.int32(as_number(owner, "end", end, least=0))
    if forced is not None:
        forced = _as_forced(owner, forced, function, state)
    if constrain is not None:
        constrain = as_data(constrain, "constrain")
    program = functools.partial(_write, function, constrain, sampling, end, forced)
    return functools.partial(program, num_steps=num_steps)


def _begin(owner: str, carry: Carry, first_tokens: Any, key: Any) -> SamplingState:
    """The state before anything is written."""
    tokens = as_tokens(owner, "first_tokens", first_tokens, 1, "[B]")
    check_rows(owner, carry, tokens.shape[0])
    keys = row_keys(owner, key, tokens.shape[0])
    return SamplingState(carry, tokens, keys, jnp.zeros(tokens.shape, bool), jnp.int32(0))


def _as_forced(owner: str, forced: Any, step: Partial, state: SamplingState) -> jax.Array:
    """The forced tokens as int32 ``[T', B]``, at least one position of them."""
    forced = as_tokens(owner, "forced", forced, 2, "[T, B]")
    num_rows = state.tokens.shape[0]
    if forced.shape[1] != num_rows or not len(forced):
        raise ValueError(
            f"{owner}: forced must have the axes [T, B], with T at least 1 and B = {num_rows}, but "
            f"has shape {forced.shape}."
        )
    if not isinstance(forced, Tracer):
        size = logits_of(owner, step, state.carry, num_rows).shape[1]
        low, high = int(forced.min()), int(forced.max())
        if low < -1 or high >= size:
            raise ValueError(
                f"{owner}: forced must hold tokens from 0 to {size - 1}, or -1 for a free position,"
                f" but holds {low if low < -1 else high}."
            )
    return forced


@functools.partial(jax.jit, static_argnames="num_steps")
def _write(
    step: Partial,
    constrain: Constraint | None,
    sampling: Sampling,
    end: jax.Array | None,
    forced: jax.Array | None,
    state: SamplingState,
    limit: jax.Array,
    *,
    num_steps: int,
) -> Samples:
    """Writes up to `limit` tokens into room for so many steps."""
    num_rows = state.tokens.shape[0]
    logits_shape = logits_of("sample", step, state.carry, num_rows)

    def one_step(state: SamplingState) -> tuple[SamplingState, jax.Array]:
        carry, logits = step(state.carry, state.tokens)
        logits = in_float(logits)
        choice = logits if constrain is None else constrain(state.position, logits)
        keys = jax.vmap(jax.random.fold_in, (0, None))(state.keys, state.position)
        tokens = sampling.draw_rows(keys, choice)
        if forced is not None:
            here = forced[jnp.minimum(state.position, len(forced) - 1)]
            tokens = jnp.where((here >= 0) & (state.position < len(forced)), here, tokens)
        own = jnp.take_along_axis(logits, tokens[:, None], axis=1)[:, 0]
        log_probs = own - jax.nn.logsumexp(logits, axis=-1)
        ended = state.ended
        if end is not None:
            # A row that has ended is left as it is, however long the others go on.
            carry = where_rows(ended, state.carry, carry)
            tokens = jnp.where(ended, end, tokens)
            log_probs = jnp.where(ended, 0, log_probs)
            ended = ended | (tokens == end)
        after = SamplingState(carry, tokens, state.keys, ended, state.position + 1)
        return after, log_probs

    def goes_on(loop: tuple[Samples, jax.Array]) -> jax.Array:
        samples, t = loop
        return (t < limit) & ~samples.state.ended.all()

    def write(loop: tuple[Samples, jax.Array]) -> tuple[Samples, jax.Array]:
        (tokens, log_probs, lengths, before), t = loop
        state, new_log_probs = one_step(before)
        tokens = lax.dynamic_update_index_in_dim(tokens, state.tokens, t, 0)
        log_probs = lax.dynamic_update_index_in_dim(log_probs, new_log_probs, t, 0)
        lengths = lengths + jnp.where(before.ended, 0, 1)
        return Samples(tokens, log_probs, lengths, state), t + 1

    room = (num_steps, num_rows)
    empty = Samples(
        jnp.full(room, 0 if end is None else end, jnp.int32),
        jnp.zeros(room, jnp.promote_types(logits_shape.dtype, jnp.float32)),
        jnp.zeros(num_rows, jnp.int32),
        state,
    )
    if num_steps == 0:
        return empty
    samples, _ = lax.while_loop(goes_on, write, (empty, jnp.int32(0)))
    return samples
