"""compare.py as a user starts it, on the digits that come with scikit-learn."""

import json
import signal

import pytest

from experiments.compare import config_of, task_named
from experiments.comparison.tasks import TASKS
from rnnjax.errors import UsageError
from rnnjax.experiment.command_line import merge
from tests.experiments.starting import assert_refused, start
from tests.survival.runs import Run, differences, finished_checkpoints

FLAGS = (
    "--sweep=learning_rate=0.003,0.03", "--sweep=cell=simple_rnn,gru", "--dataset=digits",
    "--hidden_size=6", "--steps=300", "--eval_every=100", "--num_seeds=2",
    "--checkpoint_every=20",
)  # fmt: skip
GROUPS = ("cell=simple_rnn", "cell=gru")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    run = Run("compare", FLAGS, tmp_path_factory.mktemp("whole") / "study")
    return run, run.finish()


@pytest.mark.slow
def test_a_sweep_ends_in_a_page(whole):
    run, said = whole
    assert "group 2 of 2: cell=gru, about " in said
    assert "2 settings × 2 seeds = 4 runs at once" in said
    assert "- Of 4 values of cell and learning rate, " in said
    assert "Mind: only 2 seeds" in said
    assert f"written to {run.folder}/index.html" in said
    page = (run.folder / "index.html").read_text()
    assert page.count("<img ") == 2
    assert "still to come" not in page
    assert "experiments/compare.py" in page
    assert (run.folder / "settings.csv").read_text().count("\n") == 5
    for name in ("settings", "curves"):
        assert (run.folder / f"{name}.png").stat().st_size > 10_000
    for group in GROUPS:
        result = json.loads((run.folder / group / "result.json").read_text())
        assert len(result["runs"]["test_accuracy"]) == 4
        assert result["runs"]["diverged"] == [False] * 4


@pytest.mark.slow
def test_an_interrupted_sweep_goes_on_and_ends_the_same(whole, tmp_path):
    run = Run("compare", FLAGS, tmp_path / "study")
    running = run.start()
    last = run.folder / GROUPS[1]
    assert running.wait_until(lambda _: bool(finished_checkpoints(last))), running.wait()
    running.process.send_signal(signal.SIGTERM)
    code, said = running.wait()
    assert code == 143, said
    assert "Traceback" not in said
    assert f"go on with\n  python experiments/compare.py --workdir={run.folder}" in said
    assert "1 group of runs is still to come" in (run.folder / "index.html").read_text()
    assert not (last / "result.json").exists()

    said = run.finish()
    assert "resumed  after " in said
    for group in GROUPS:
        assert differences(whole[0].folder / group, run.folder / group) == []

    other = [flag.replace("0.03", "0.1") for flag in FLAGS]
    refused = start("compare", f"--workdir={run.folder}", *other)
    assert_refused(refused, "holds a run with other settings: sweep is ")


@pytest.mark.slow
def test_as_a_module_it_is_the_same(whole):
    run, said = whole
    done = start("compare", f"--workdir={run.folder}", *FLAGS, module=True)
    assert done.returncode == 0, done.stderr
    assert "steps/s" not in done.stdout, "nothing is trained again"
    sentences = [line for line in said.splitlines() if line.startswith("- ")]
    assert sentences == [line for line in done.stdout.splitlines() if line.startswith("- ")]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "give --question (one of learning_rate, noise, cells, "),
        ({"question": "why"}, "--question=why is unknown; expected one of: catalogue, "),
        ({"question": "cells", "sweep": ["cell=gru,lstm"]}, "leave --sweep out"),
        ({"sweep": ["speed=1,2"]}, "--sweep=speed=1,2 is no sweep"),
        ({"sweep": ["learning_rate=-1,nan"]}, "--learning_rate must be a positive number, not -1"),
        ({"sweep": ["learning_rate=0.1,nan"]}, "--learning_rate must be a positive number, not na"),
        ({"sweep": ["learning_rate=0:1:3"]}, "--learning_rate must be a positive number, not 0.0"),
        ({"sweep": ["initial_scale=1,1e400"]}, "--initial_scale must be a positive number, not in"),
        ({"sweep": ["hidden_size=0,1"]}, "--hidden_size must be at least 1, not 0"),
        ({"sweep": [f"hidden_size={10**30}"]}, "--hidden_size must be at most 2,147,483,647, not"),
        ({"sweep": ["hidden_size=" + "9" * 5000]}, "...' is no whole number"),
        ({"sweep": ["cell=gru,gpt"]}, "--cell=gpt is unknown; expected one of: "),
        ({"sweep": ["average=0.5:1:3"]}, "--average must lie between 0 and 1, not at 1.0"),
        ({"sweep": ["precision=f64"]}, "--precision=f64 can't be compared with --precision=f32"),
        ({"sweep": ["precision=f32,f64"]}, "because f64 is of the whole process"),
        (
            {"sweep": ["precision=bf16"], "precision": "f64"},
            "can't be compared with --precision=f6",
        ),
        ({"sweep": ["learning_rate=0.1:1:1000000000"]}, "a range has at most 10,000 values"),
        ({"sweep": ["steps=1:999:999", "hidden_size=1:99:99"]}, " settings; there may be 10,000."),
        *(
            ({"sweep": [f"{name}=1,2"]}, f"runs can't be compared by --{name}")
            for name in (
                "workdir",
                "data_dir",
                "num_devices",
                "distributed",
                "compilation_cache",
                "seed",
                "num_seeds",
                "keep",
                "checkpoint_every",
                "eval_only",
                "export",
                "resume",
                "preset",
            )
        ),
        ({"sweep": ["cell=gru", "cell=lstm"]}, "two of them are of the same setting"),
        ({"question": "cells", "eval_only": True, "workdir": "x"}, "compare.py only trains"),
        ({"question": "cells", "dry_run": True}, "compare.py only trains"),
        ({"question": "cells", "distributed": True}, "compare.py only trains"),
        ({"question": "cells", "task": "chess"}, "--task=chess is unknown"),
        ({"question": "cells", "preset": "short"}, "--preset=short is unknown"),
    ],
)
def test_mistakes_are_told_in_one_sentence(given, message):
    task = TASKS["mnist_rnn"]
    with pytest.raises(UsageError) as error:
        merge(config_of(task), task.presets, given)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "value"), [("dropout", "1"), ("word_dropout", "nan"), ("embedding_dropout", "-0.1")]
)
def test_numbers_that_share_a_program_are_checked_as_flags_are(name, value):
    task = TASKS["imdb_sentiment"]
    with pytest.raises(UsageError, match=f"--{name} must be "):
        merge(config_of(task), task.presets, {"sweep": [f"{name}=0.1,{value}"], "task": task.name})


def test_all_runs_in_float64_can_be_compared():
    task = TASKS["mnist_rnn"]
    given = {"sweep": ["precision=f64", "cell=gru,lstm"], "precision": "f64"}
    assert merge(config_of(task), task.presets, given).num_runs == 10


@pytest.mark.slow
def test_a_value_that_a_setting_can_not_have_ends_with_code_2(tmp_path):
    arguments = ["--sweep=learning_rate=-1,nan", f"--workdir={tmp_path / 'study'}"]
    assert_refused(start("compare", *arguments), "--learning_rate must be a positive number, not -")
    assert list(tmp_path.iterdir()) == []


def test_all_runs_of_a_sweep_count_for_the_devices():
    task = TASKS["mnist_rnn"]
    given = {"sweep": ["learning_rate=0.1:0.2:3", "cell=gru,lstm"], "num_seeds": 4}
    config = merge(config_of(task), task.presets, given)
    assert config.num_runs == 24
    assert merge(config_of(task), task.presets, {"question": "cells"}).num_runs == 5


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ([], "mnist_rnn"),
        (["--task=imdb_sentiment"], "imdb_sentiment"),
        (["--question=cells", "-task", "binary_sequence", "--steps=3"], "binary_sequence"),
        (["--question", "task"], "mnist_rnn"),
        (["--task"], "mnist_rnn"),
        (["--question=memory"], "long_memory"),
        (["--question=memory", "--task=mnist_rnn"], "mnist_rnn"),
    ],
)
def test_the_task_is_known_before_its_flags(arguments, name):
    assert task_named(arguments).name == name
