import jax
import jax.numpy as jnp
import numpy as np
import pytest

from rnnjax.cells import LSTMParams
from rnnjax.training.checkpoints import load_params, save_params
from rnnjax.training.errors import UsageError

PARAMS = {
    "cell": LSTMParams(w_x=jnp.array([[1.5, -2.0]]), w_h=jnp.array([[3e-7]]), b=None, b_h=None),
    "b": jnp.array([3], jnp.int32),
}


def test_the_newest_parameters_come_back_bit_by_bit(tmp_path):
    save_params(tmp_path, 9, jax.tree.map(jnp.zeros_like, PARAMS))
    save_params(tmp_path, 10, PARAMS)
    step, restored = load_params(tmp_path, PARAMS)
    assert step == 10
    assert jax.tree.structure(restored) == jax.tree.structure(PARAMS)
    jax.tree.map(np.testing.assert_array_equal, restored, PARAMS)


def test_nothing_to_load(tmp_path):
    with pytest.raises(UsageError, match="no saved parameters"):
        load_params(tmp_path, PARAMS)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (PARAMS | {"b": jnp.zeros(2)}, r"b is \(1,\) there and \(2,\) here"),
        ({"cell": PARAMS["cell"]}, r"b is \(1,\) there and absent here"),
        (PARAMS | {"more": jnp.zeros(1)}, r"more is absent there and \(1,\) here"),
    ],
)
def test_parameters_of_another_model_are_refused(tmp_path, other, message):
    save_params(tmp_path, 1, PARAMS)
    with pytest.raises(UsageError, match=message):
        load_params(tmp_path, other)
