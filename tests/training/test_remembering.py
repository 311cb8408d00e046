"""What was found for parameters is found once, for those that are still the same arrays."""

import gc
import weakref

import jax.numpy as jnp
import numpy as np

from rnnjax.training.remembering import remembered


def counting():
    asked = []

    def sums(params):
        asked.append(params)
        return float(params["w"].sum())

    return remembered(sums), asked


def test_the_same_arrays_are_asked_about_once():
    sums, asked = counting()
    last, best = {"w": jnp.ones(3)}, {"w": jnp.arange(3.0)}
    assert [sums(last), sums(best), sums(dict(last)), sums(best)] == [3, 3, 3, 3]
    assert len(asked) == 2


def test_equal_arrays_are_not_the_same():
    sums, asked = counting()
    assert [sums({"w": np.ones(3)}), sums({"w": np.ones(3)})] == [3, 3]
    assert len(asked) == 2
    assert remembered(len)({"v": np.ones(3)}) == 1


def test_other_names_are_other_parameters():
    names, w = remembered(sorted), np.ones(3)
    assert [names({"w": w}), names({"v": w})] == [["w"], ["v"]]


def test_only_the_last_ones_are_known_and_none_is_kept_alive():
    sums, asked = counting()
    three = [{"w": np.full(3, float(i))} for i in range(3)]
    assert [sums(each) for each in three] == [0, 3, 6]
    assert sums(three[0]) == 0
    assert len(asked) == 4
    asked.clear()
    alive = weakref.ref(three[2]["w"])
    del three
    gc.collect()
    assert alive() is None
