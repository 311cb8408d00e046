"""Weights of other frameworks in and out, each framework imported only when one of its objects
has to be made.

========================  ===========================================================
`rnnjax.interop.torch`    ``torch.nn.RNN``, ``LSTM``, ``GRU``, and their state dicts
`rnnjax.interop.keras`    Keras's ``SimpleRNN``, ``LSTM``, ``GRU``, ``Bidirectional``
`rnnjax.interop.flax`     cells of ``flax.linen`` and ``flax.nnx``
========================  ===========================================================

Every ``from_...`` returns a layer and its parameters, and the ``to_...`` beside it is its exact
inverse, bit for bit. Nothing is approximated: what one side has and the other lacks is refused with
a `ValueError` that gives the reason. `merge_biases` removes the most frequent of these reasons.
"""

from __future__ import annotations

from rnnjax.interop.biases import merge_biases
from rnnjax.interop.files import load_state_dict

__all__ = ["load_state_dict", "merge_biases"]
