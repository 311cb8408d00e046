"""Cells of torchrecurrent beside this library's, from the same weights, where both are the paper's.

Where they are not, the cell's docstring says so: LEM, SCRN, NAS and what differs by a setting.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import numpy as np
import pytest
import torch  # pyright: ignore[reportMissingImports]
import torchrecurrent  # pyright: ignore[reportMissingImports]

import rnnjax
from tests.cells_under_test import random_like
from tests.running import assert_close, init, unroll

T, B, H = 6, 2, 4
KEY = jax.random.key(0)


def turned(fused: np.ndarray, ours: str = "-", theirs: str = "-") -> np.ndarray:
    """Fused gates in the order of theirs, weights transposed as theirs are."""
    blocks = dict(zip(ours, np.split(fused, len(ours), axis=-1), strict=True))
    return np.concatenate([blocks[gate] for gate in theirs], axis=-1).T


def gated(ours: str, theirs: str, reading: str | None = None) -> Callable[[Any], dict[str, Any]]:
    """The weights of a cell of which as many gates as named read the state, by default all."""

    def convert(p: Any) -> dict[str, Any]:
        return {
            "weight_ih": turned(p.w_x, ours, theirs),
            "weight_hh": turned(p.w_h, reading or ours, reading or theirs),
            "bias_ih": turned(p.b, ours, theirs),
        }

    return convert


def padded(b: np.ndarray) -> np.ndarray:
    """Biases of two gates, and none of the candidate."""
    return np.concatenate([b, np.zeros(H)])


class Pair(NamedTuple):
    """A cell, that of torchrecurrent, and the latter's weights; those not named are 0."""

    ours: rnnjax.Cell
    theirs: str
    convert: Callable[[Any], Mapping[str, Any]]
    settings: Mapping[str, Any] = {}


GIVES_BOTH = ("IntersectionRNNCell", "MCLSTMCell")
"""Those that give an output and a state beside it; the others give their state, h first."""

PAIRS = [
    Pair(rnnjax.MGU(3, H), "MGUCell", gated("fn", "fn")),
    Pair(
        rnnjax.JANET(3, H), "JANETCell", lambda p: {**gated("fg", "fg")(p), "beta": np.float64(1)}
    ),
    Pair(rnnjax.UGRNN(3, H), "UGRNNCell", gated("gc", "cg")),
    Pair(rnnjax.IntersectionRNN(H, H), "IntersectionRNNCell", gated("kndr", "rndk")),
    Pair(rnnjax.LiGRU(3, H, normalization="none"), "LiGRUCell", gated("zg", "zg")),
    Pair(
        rnnjax.RAN(3, H), "RANCell",
        lambda p: {
            "weight_ih": turned(p.w_x, "ifc", "cif"), "weight_hh": p.w_h.T, "bias_ih": p.b,
        },
    ),
    Pair(rnnjax.STAR(3, H), "STARCell", gated("kn", "nk", "k")),
    Pair(rnnjax.LightRU(3, H), "LightRUCell", gated("fg", "gf", "f")),
    Pair(
        rnnjax.BRC(3, H), "BRCell",
        lambda p: {"weight_ih": p.w_x.T, "weight_hh": p.w_h, "bias_ih": padded(p.b)},
    ),
    Pair(
        rnnjax.NBRC(3, H), "NBRCell",
        lambda p: {"weight_ih": p.w_x.T, "weight_hh": p.w_h.T, "bias_ih": padded(p.b)},
    ),
    Pair(
        rnnjax.CFN(3, H), "CFNCell",
        lambda p: {"weight_ih": p.w_x.T, "weight_hh": p.w_h.T, "bias_ih": padded(p.b)},
    ),
    Pair(
        rnnjax.SGRN(3, H), "SGRNCell",
        lambda p: {"weight_ih": p.w_x.T, "weight_hh": p.w_h.T, "bias_hh": p.b},
    ),
    Pair(
        rnnjax.MinimalRNN(3, H), "MinimalRNNCell",
        lambda p: {
            "weight_ih": p.w_x.T, "weight_hh": p.w_h.T, "weight_mm": p.w_v.T,
            "bias_ih": p.b, "bias_hh": p.b_u,
        },
    ),
    Pair(
        rnnjax.ATR(3, H, use_bias=True), "ATRCell",
        lambda p: {
            "weight_ih": p.w_x.T, "weight_hh": p.w_h.T, "bias_ih": p.b, "bias_hh": p.b_h,
        },
    ),
    Pair(
        rnnjax.WMCLSTM(3, H), "WMCLSTMCell",
        lambda p: {**gated("ifgo", "ifgo")(p), "weight_mh": p.w_c.T, "bias_mh": p.b_c},
    ),
    Pair(rnnjax.OriginalLSTM(3, H, "tanh"), "OriginalLSTMCell", gated("igo", "igo")),
    Pair(rnnjax.MemoryControllerLSTM(3, H), "MCLSTMCell", gated("fiomn", "fiomn")),
    Pair(rnnjax.MiRU1(3, H), "MiRU1Cell", gated("rn", "rn")),
    Pair(rnnjax.MiRU2(3, H), "MiRU2Cell", gated("n", "n")),
    Pair(rnnjax.MUT3(3, H), "MUT3Cell", gated("zrn", "zrn")),
    Pair(
        rnnjax.FastRNN(3, H), "FastRNNCell",
        lambda p: {
            "weight_ih": p.w_x.T, "weight_hh": p.w_h.T, "bias_ih": p.b,
            "alpha": p.alpha, "beta": p.beta,
        },
    ),
    Pair(
        rnnjax.IndRNN(3, H), "IndRNNCell",
        lambda p: {"weight_ih": p.w_x.T, "vector_u": p.u, "bias_ih": p.b},
        {"nonlinearity": "relu"},
    ),
    Pair(
        rnnjax.CoRNN(3, H, 0.3, 1.1, 0.7), "coRNNCell",
        lambda p: {
            "weight_ih": p.w_x.T, "weight_hh": p.w_h.T, "weight_ch": p.w_z.T, "bias_ih": p.b,
        },
        {"dt": 0.3, "gamma": 1.1, "epsilon": 0.7},
    ),
    Pair(
        rnnjax.UnICORNN(3, H, 0.3, 1.1), "UnICORNNCell",
        lambda p: {"weight_ih": p.w_x.T, "weight_hh": p.w_h, "weight_ch": p.c, "bias_ih": p.b},
        {"dt": 0.3, "alpha": 1.1},
    ),
    Pair(
        rnnjax.AntisymmetricRNN(3, H, step_size=0.3, diffusion=0.2), "AntisymmetricRNNCell",
        lambda p: {"weight_ih": p.w_x.T, "weight_hh": p.w_h.T, "bias_ih": p.b},
        {"epsilon": 0.3, "gamma": 0.2},
    ),
    Pair(
        rnnjax.GatedAntisymmetricRNN(3, H, step_size=0.3, diffusion=0.2),
        "GatedAntisymmetricRNNCell",
        lambda p: {"weight_ih": p.w_x.T, "weight_hh": p.w_h.T, "bias_ih": p.b},
        {"epsilon": 0.3, "gamma": 0.2},
    ),
    Pair(
        rnnjax.MultiplicativeLSTM(3, H), "MultiplicativeLSTMCell",
        lambda p: {
            "weight_ih": np.concatenate([p.w_mx.T, p.w_x.T]), "weight_hh": p.w_mh.T,
            "weight_mh": p.w_h.T, "bias_ih": np.concatenate([np.zeros(H), p.b]),
        },
    ),
    Pair(
        rnnjax.ResidualLSTM(3, H), "ResLSTMCell",
        lambda p: {
            **gated("ifgo", "ifgo")(p), "weight_proj": p.w_p.T, "weight_res": p.w_r.T,
            "weight_ph": p.p,
        },
    ),
    Pair(
        rnnjax.TRNN(3, H), "TRNNCell",
        lambda p: {"weight_ih": p.w_x.T, "bias_ih": np.concatenate([np.zeros(H), p.b])},
    ),
]  # fmt: skip


def outputs_of(pair: Pair, weights: Mapping[str, Any], xs: np.ndarray) -> np.ndarray:
    """What the cell of torchrecurrent gives from zeros."""
    size = pair.ours.input_size
    cell = getattr(torchrecurrent, pair.theirs)(size, H, dtype=torch.float64, **pair.settings)
    state = cell.state_dict()
    assert set(weights) <= set(state)
    for name, own in state.items():
        given = weights.get(name, np.zeros(tuple(own.shape)))
        state[name] = torch.as_tensor(np.ascontiguousarray(given)).reshape(own.shape).double()
    cell.load_state_dict(state)
    carry, ys = None, []
    for x in xs:
        found = cell(torch.as_tensor(x), carry)
        carry = found[1] if pair.theirs in GIVES_BOTH else found
        ys.append((found[0] if isinstance(found, tuple) else found).numpy(force=True))
    return np.stack(ys)


@pytest.mark.usefixtures("x64")
@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.theirs)
def test_outputs_are_the_same(pair):
    rng = np.random.default_rng(0)
    params = random_like(rng, init(pair.ours, KEY), 0.6)
    xs = rng.normal(size=(T, B, pair.ours.input_size))
    _, ys = unroll(pair.ours, params, xs)
    assert_close(outputs_of(pair, pair.convert(params), xs), ys)
