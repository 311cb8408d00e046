"""Reading a memory: how places are scored, and the cells whose steps read so.

An attention scores every place of a memory for a query; what is read is the mean of the places,
each with the softmax of its score as its weight:

.. math:: e_{ts} = \\mathrm{score}(q_t, m_s), \\qquad
          a_t = \\mathrm{softmax}(e_t), \\qquad c_t = \\sum_s a_{ts} m_s

Axis letters are those of `rnnjax.cell`; ``S`` is places of the memory, ``M`` features of a place,
``Q`` features of the query, ``A`` features in which both are compared.
"""

from rnnjax.attention.attending import Attending
from rnnjax.attention.conditional import Conditional
from rnnjax.attention.input_feeding import InputFeeding
from rnnjax.attention.scoring import Additive, Attention, Dot, General, Remembered
from rnnjax.attention.tracking import Coverage, LocationAware
from rnnjax.attention.weights import attention_weights

__all__ = [
    "Additive",
    "Attending",
    "Attention",
    "Conditional",
    "Coverage",
    "Dot",
    "General",
    "InputFeeding",
    "LocationAware",
    "Remembered",
    "attention_weights",
]
