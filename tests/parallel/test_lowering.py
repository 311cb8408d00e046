"""The training step of every experiment can be compiled for TPUs and for CUDA."""

import jax
import pytest

from experiments import binary_sequence, imdb_sentiment, language_model, mnist_rnn
from rnnjax.experiment.order import run
from rnnjax.training.loop import Trainer
from tests.slow import slow_but

GRAMMAR = {"dataset": "grammar", "max_length": 24, "num_validation": 1000}
EXPERIMENTS = {
    "mnist": (mnist_rnn, {"dataset": "digits"}),
    "mnist, 2 seeds": (mnist_rnn, {"dataset": "digits", "num_seeds": 2}),
    "mnist, bf16": (mnist_rnn, {"dataset": "digits", "precision": "bf16"}),
    "binary": (binary_sequence, {"row_length": 200, "batch_size": 8}),
    "binary, bf16": (binary_sequence, {"row_length": 200, "batch_size": 8, "precision": "bf16"}),
    "imdb": (imdb_sentiment, GRAMMAR),
    "imdb, bf16": (imdb_sentiment, GRAMMAR | {"precision": "bf16"}),
    "language": (language_model, {"dataset": "brackets", "embedding_size": 8, "dropout": 0.1}),
    "language, bf16": (language_model, {"dataset": "brackets", "precision": "bf16"}),
    "bilstm64": (imdb_sentiment, imdb_sentiment.PRESETS["bilstm64"] | GRAMMAR),
}


class Lowered(Exception):
    """There is nothing more to do."""


@pytest.mark.parametrize("name", slow_but({"binary, bf16"}, EXPERIMENTS))
def test_the_training_step_lowers(name, monkeypatch, tmp_path):
    exported = []

    def lower_only(trainer, state):
        program, arguments = trainer.program(state)
        exported.append(jax.export.export(program, platforms=("tpu", "cuda"))(*arguments))
        raise Lowered

    monkeypatch.setattr(Trainer, "compile", lower_only)
    experiment, settings = EXPERIMENTS[name]
    with pytest.raises(Lowered):
        run(experiment.EXPERIMENT, experiment.Config(workdir=str(tmp_path / "run"), **settings))
    assert exported[0].platforms == ("tpu", "cuda")
    assert "while" in exported[0].mlir_module()
