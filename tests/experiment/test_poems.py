"""Poems in their form, whatever a network has learnt, and what is told of free ones."""

from __future__ import annotations

import dataclasses
import io
import types
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from rich.console import Console

import rnnjax
from rnnjax.data import quatrains
from rnnjax.data.corpora import Corpus
from rnnjax.errors import UsageError
from rnnjax.experiment import poems
from rnnjax.models import LanguageModel

SIGNS = "春夏秋冬山水月風"
TRAIN = [
    quatrains.written([SIGNS[i % 8] * length for i in range(j, j + 4)])
    for j in range(8)
    for length in (5, 7)
]
SYMBOLS = quatrains.symbols_of(TRAIN)
CONFIG: dict[str, Any] = {
    "prompt": None, "acrostic": None, "num_samples": 1, "seed": 3, "temperature": 1.0,
    "top_k": None, "top_p": None, "beam_size": None,
}  # fmt: skip


@pytest.fixture(scope="module")
def untrained():
    """A model that has learnt nothing, and its parameters."""
    model = LanguageModel(
        len(SYMBOLS), rnnjax.OneHot(rnnjax.GRU(len(SYMBOLS), 6)), starts=SYMBOLS.starts
    )
    params = jax.jit(model.init)(jax.random.key(0), jnp.zeros((1, 2), jnp.int32))["params"]
    return model, params


def lines_of(untrained, **flags):
    """What is written, as lines."""
    console = Console(file=io.StringIO(), width=80)
    model, params = untrained
    poems.write(console, types.SimpleNamespace(**CONFIG | flags), model, params, SYMBOLS)
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("flags", "length"),
    [
        ({}, 5),
        ({"prompt": "<7>"}, 7),
        ({"prompt": "春夏秋冬山"}, 5),
        ({"prompt": "春夏秋冬山水"}, 7),
        ({"beam_size": 2}, 5),
    ],
)
def test_what_is_written_has_the_form(untrained, flags, length):
    lines = lines_of(untrained, **flags)
    assert [len(line) for line in lines] == [length] * 4
    assert set("".join(lines)) <= set(SIGNS)
    begun = flags.get("prompt", "").removeprefix("<7>")
    assert lines[0].startswith(begun)


def test_an_acrostic_and_a_beginning(untrained):
    lines = lines_of(untrained, prompt="<5>月月山", acrostic="月夏秋冬", num_samples=2)
    for poem in (lines[1:5], lines[6:]):
        assert "".join(line[0] for line in poem) == "月夏秋冬"
        assert poem[0].startswith("月月山")
    assert lines[1:5] != lines[6:]
    assert lines[0].split("poem 1 of 2, ")[1].split()[1:4] == ["nats", "per", "sign"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"prompt": "龍"}, "'龍' is in none of the training poems"),
        ({"acrostic": "春夏秋冬山"}, "--acrostic has 5 signs for 4 lines"),
        ({"prompt": "春", "acrostic": "夏"}, "--prompt has '春' where --acrostic has '夏'"),
        ({"prompt": "春夏秋冬山水月風"}, r"'風' can't be sign 8 of a poem of 4 lines of 7"),
        ({"prompt": "<5>春\n"}, r"'\\n' can't be sign 2 of a poem"),
        ({"acrostic": "<"}, "'<' is in none"),
    ],
)
def test_what_no_poem_can_have(untrained, flags, message):
    with pytest.raises(UsageError, match=message):
        lines_of(untrained, **flags)


@pytest.mark.parametrize(
    ("text", "good"),
    [
        ("山山山山山\n" * 4 + "<7>", True),
        ("山山山山山\n" * 4 + "山", False),
        ("山山山山山\n" * 3 + "<7>", False),
        ("山山山山山\n" * 3 + "山山山山山山\n<7>", False),
        ("山山山山\n山山山山山山\n" + "山山山山山\n" * 2 + "<7>", False),
    ],
)
def test_the_form_of_a_free_poem(text, good):
    assert poems.is_well_formed("<5>", text) is good
    assert not poems.is_well_formed("<7>", text)


def corpus():
    whole = SYMBOLS.encode("".join(TRAIN))
    return Corpus("quatrains", whole, whole, whole, SYMBOLS, "here", "none")


def test_what_is_told_of_poems(untrained, monkeypatch):
    model, params = untrained
    data = corpus()
    losses = np.arange(len(data.test) - 1) / 100
    mine = iter([
        "春春春春春\n春夏秋冬春\n山山山山山\n水水水水水\n<7>春",  # three of four lines are copied
        "夏山\n" * 4,
    ] * 2_000)  # fmt: skip

    def sampled(model, params, symbols, kinds, seed):
        texts = [next(mine) for _ in kinds]
        return poems.Poems(texts, np.zeros((len(texts), 33)))

    monkeypatch.setattr(poems, "sampled", sampled)
    found = poems.judged(model, params, data, losses)
    # Every second kind is <7>, of which the second text of each pair is none.
    assert found["well_formed"] == 0.5
    assert found["copied_lines"] == 0.75
    # Lines 2 to 4 with their ends, counted by hand: from sign 1 + (l + 1) of each poem on.
    scored, at = [], 0
    for poem in TRAIN:
        length = 5 if poem.startswith("<5>") else 7
        scored += range(at + 1 + length + 1, at + 1 + 4 * (length + 1))
        at += 1 + 4 * (length + 1)
    expected = np.exp(losses[np.array(scored) - 1].mean())
    assert found["perplexity_with_ends"] == pytest.approx(expected, rel=1e-12)
    assert 1 <= found["kneser_ney_with_ends"] < 8


def test_free_poems_end_where_the_next_begins(untrained):
    model, params = untrained
    found = poems.sampled(model, params, SYMBOLS, ["<5>", "<7>"] * 8, seed=0)
    assert found.losses.shape == (16, 33)
    assert len({*found.texts}) == 16
    assert not any("<unk>" in text for text in found.texts)


def test_pictures_and_texts(untrained, tmp_path, monkeypatch):
    """Of an untrained model no free poem has the form; these have, by force."""
    model, params = untrained
    texts = ["山水山水山\n" * 4 + "<5>", "春夏秋冬山水月\n" * 4 + "<7>"] * 16
    made = poems.Poems(texts, np.ones((32, 33)))
    monkeypatch.setattr(poems, "sampled", lambda *args, **options: made)
    console = Console(file=io.StringIO(), width=200)
    seen: dict[str, Any] = {}

    def draw_poems(path, title, texts, losses):
        seen.update(texts=texts, sizes=[len(loss) for loss in losses])
        return "no font"

    monkeypatch.setattr(poems, "draw_poems", draw_poems)
    poems.draw(console, tmp_path, "title", model, params, corpus())
    assert console.file.getvalue() == "no font\n"  # type: ignore[attr-defined]
    assert len(seen["texts"]) == 4
    assert seen["texts"][0] == "\n".join(["山水山水山"] * 4)
    assert seen["sizes"] == [23, 31, 23, 31]
    assert (tmp_path / "poems.txt").read_text(encoding="utf-8").count("\n\n") == 4


def test_of_several_seeds_the_mean_is_told(monkeypatch):
    @dataclasses.dataclass
    class Run:
        console = Console(file=io.StringIO(), width=200)
        config = types.SimpleNamespace(num_seeds=2)
        problem = types.SimpleNamespace(model=None)
        data = None

        def of_seed(self, number):
            return number, None

    names = ("well_formed", "copied_lines", "perplexity_with_ends", "kneser_ney_with_ends")
    monkeypatch.setattr(
        poems, "judged", lambda model, seed, data, losses: dict.fromkeys(names, 1.0 + seed)
    )
    run: Any = Run()
    assert poems.report(run) == dict.fromkeys(names, 1.5)
    assert "poems in their form 1.5000" in run.console.file.getvalue()
