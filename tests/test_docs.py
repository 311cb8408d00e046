"""README.md and docs/: their code runs, their commands are valid, what they name exists.

What needs other frameworks is run by tests/live/test_recipes.py; the script of
docs/your_own_experiment.md by tests/experiment/test_your_own.py; installations by .ci/run.
"""

from __future__ import annotations

import argparse
import ast
import configparser
import dataclasses
import importlib
import importlib.util
import pathlib
import re
import runpy

import pytest

from benchmarks.work import rows_named
from experiments import (
    binary_sequence,
    compare,
    drawing,
    image_description,
    imdb_sentiment,
    language_model,
    letters_to_sounds,
    long_memory,
    mnist_rnn,
    music,
    speaker,
    speech_digits,
    text_similarity,
    time_series,
    translation,
)
from rnnjax import experiment
from rnnjax.experiment.command_line import read_flags
from tests.documents import PAGES, PREPARE, ROOT, blocks, commands, prose
from tests.experiments.starting import start

SCRIPTS = {
    "mnist_rnn": mnist_rnn,
    "binary_sequence": binary_sequence,
    "imdb_sentiment": imdb_sentiment,
    "language_model": language_model,
    "translation": translation,
    "image_description": image_description,
    "letters_to_sounds": letters_to_sounds,
    "speaker": speaker,
    "text_similarity": text_similarity,
    "time_series": time_series,
    "drawing": drawing,
    "music": music,
    "speech_digits": speech_digits,
    "long_memory": long_memory,
}
STAND_INS = {
    "mnist_rnn": ["--dataset=digits"],
    "imdb_sentiment": ["--dataset=grammar", "--num_validation=1000"],
    "language_model": ["--dataset=brackets"],
    "translation": ["--dataset=numbers"],
    "image_description": ["--dataset=seven_segments"],
    "letters_to_sounds": ["--dataset=spelling"],
    "speaker": ["--dataset=drifting_voices"],
    "text_similarity": ["--dataset=slot_sentences"],
    "time_series": ["--dataset=two_sines"],
    "drawing": ["--dataset=polygons"],
    "music": ["--dataset=canon"],
    "speech_digits": ["--dataset=telephone_tones"],
    "long_memory": ["--dataset=digits"],
}
CI = (ROOT / ".ci/run").read_text()
OWN = "script: next_row.py"

BLOCKS = [block for page in PAGES for block in blocks(page)]
INLINE = re.compile(r"`((?:python|pip|pytest|bash|ruff) [^`…]*)`")
OF_THE_TABLE = re.compile(rf"`((?:{'|'.join([*SCRIPTS, 'compare'])})\.py(?: --[^`]*)?)`")
"""A script's name and flags, where the folder is the column's title."""


def commands_of(page):
    """Every command of a page, in its blocks and in its sentences."""
    shell = [block.text for block in blocks(page) if block.language == "sh"]
    inline = INLINE.findall(prose(page))
    inline += [f"python experiments/{c}" for c in OF_THE_TABLE.findall(prose(page))]
    return [tuple(words) for text in shell + inline for words in commands(text)]


COMMANDS = list(dict.fromkeys(words for page in PAGES for words in commands_of(page)))
LEAVES = {
    "linear.md": "Leaky",
    "README.md": "ys",
    "interop.md": "logits",
    "data.md": "reviews",
    "decoding.md": "tokens",
    "export.md": "params",
    "language_models.md": "losses",
    "translation.md": "ys",
    "pictures_into_words.md": "answers",
}
"""What the Python of a page ends with."""
LONG = {"decoding.md", "export.md"}
"""Pages whose Python waits for the compiler longer than a quick test may."""


def named(words):
    return " ".join(words)[:60]


# Python


def test_every_block_is_of_a_known_kind():
    assert {block.language for block in BLOCKS} == {"python", "sh", "text"}
    assert {block.mark for block in BLOCKS} == {"", "live", OWN}
    assert all(block.language == "python" for block in BLOCKS if block.mark)


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(page, marks=pytest.mark.slow if page.name in LONG else (), id=page.name)
        for page in PAGES
        if any(b.language == "python" and not b.mark for b in blocks(page))
    ],
)
def test_python_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    PREPARE.get(page.name, lambda folder: None)(tmp_path)
    names = {"__name__": page.stem}
    for block in blocks(page):
        if block.language == "python" and not block.mark:
            block.run(names)
    assert LEAVES[page.name] in names
    assert LEAVES[page.name] in names


# commands


def check_script(module_name, arguments):
    """Reads the flags as the script does, without doing anything."""
    if module_name == "compare":
        task = compare.task_named(arguments)
        settings = compare.config_of(task), task.presets
    else:
        module = SCRIPTS[module_name]
        settings = module.Config, module.PRESETS
    return read_flags(*settings, [module_name, *arguments])


def check_own(arguments, folder):
    """Reads the flags of the script in the documentation."""
    (block,) = [block for block in BLOCKS if block.mark == OWN]
    path = folder / "next_row.py"
    path.write_text(block.text)
    launched = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(experiment, "launch", launched.append)
        runpy.run_path(str(path), run_name="__main__")
    return read_flags(launched[0].config, launched[0].presets, ["next_row.py", *arguments])


def check_benchmark(path, arguments):
    """Finds each flag in the source: to import it would define its flags for all tests."""
    called = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    defined = {
        ast.literal_eval(call.args[0])
        for call in called
        if isinstance(call.func, ast.Attribute) and call.func.attr.startswith("DEFINE_")
    }
    given = dict(argument.removeprefix("--").split("=") for argument in arguments)
    assert given.keys() <= defined
    assert "work" not in given or rows_named(given["work"].split(","))


def check_proof(name, arguments):
    """Parses the options of a program among the tests; stops before it does anything."""
    program = importlib.import_module(f"{name}.__main__")
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser):
        raise StopIteration(parse(parser, arguments))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
        with pytest.raises(StopIteration):
            program.main()


def check_install(words):
    """An installation from this folder, with an extra that setup.cfg has."""
    assert words[:3] == ["pip", "install", "-e"]
    extra = re.fullmatch(r"\.(?:\[(\w+)\])?", words[3])
    assert extra, words
    if extra[1] is not None:
        setup = configparser.ConfigParser()
        setup.read(ROOT / "setup.cfg")
        assert extra[1] in setup["options.extras_require"]
        assert extra[1] not in ("test", "dev", "live") or f" -e '{words[3]}'" in CI
    assert len(words) == 4


def check(words, folder):
    """Whether a command is one that exists, with flags that it has."""
    while "=" in words[0]:  # CUDA_VISIBLE_DEVICES=0,1
        words = words[1:]
    program, *arguments = words
    if program == "srun":
        return check(arguments[[a.startswith("-") for a in arguments].index(False) :], folder)
    if program == "gcloud":
        (inside,) = [a.removeprefix("--command=") for a in arguments if a.startswith("--command=")]
        for each in commands(inside):
            check(each, folder)
        return None
    if program == "cd":
        assert arguments == [ROOT.name] or arguments == ["rnnjax"]
        return None
    if program == "pip":
        return check_install(words)
    if program == "bash":
        assert (ROOT / arguments[0]).is_file()
        return None
    if program == "pytest" and arguments[-1:] == ["FILE"]:
        assert re.fullmatch(r"-n \d --durations=\d+", " ".join(arguments[:-1]))
        return None
    if program in ("pytest", "ruff", "pyright"):
        assert re.search(rf"^(.*-m )?{re.escape(' '.join(words))}( |$)", CI, re.M), words
        return None
    assert program == "python", words
    if arguments[0] == "-m":
        assert arguments[1].startswith("tests.")
        return check_proof(arguments[1], arguments[2:])
    if arguments[0] == "next_row.py":
        return check_own(arguments[1:], folder)
    path = pathlib.PurePath(arguments[0])
    assert (ROOT / path).is_file(), path
    if path.parts[0] == "docs":
        assert not arguments[1:]
        return None
    if path.parts[0] == "benchmarks":
        return check_benchmark(ROOT / path, arguments[1:])
    return check_script(path.stem, arguments[1:])


@pytest.mark.parametrize("words", COMMANDS, ids=named)
def test_a_command_is_valid(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "--helpshort" in words:
        with pytest.raises(SystemExit) as stop:
            check(list(words), tmp_path)
        assert not stop.value.code
    else:
        check(list(words), tmp_path)


def test_the_two_commands_of_the_beginning():
    (text,) = [b.text for b in BLOCKS if b.page.name == "README.md" and "pip install" in b.text]
    lines = [line.split("  #")[0].rstrip() for line in text.splitlines()]
    assert lines == [
        "pip install -e . && python experiments/mnist_rnn.py --cell=gru",
        "pip install -e '.[test]' && pytest",
    ]


COMMAND_FLAGS = (
    "--distributed", "--eval_only", "--export",
    *(
        f"--{field.name}"
        for script in SCRIPTS.values()
        for field in dataclasses.fields(script.Config)
        if field.metadata["is_command"]
    ),
)  # fmt: skip


def trains(words):
    """Whether it is a training by one process that can begin on the stand-in."""
    if words[0] != "python" or pathlib.PurePath(words[1]).stem not in SCRIPTS:
        return False
    own_data = (  # a file of the reader's, and many words
        "--text", "--cutoffs", "--source", "--train_file", "--direction", "--style", "--language",
        "--roll", "--midi_dir", "--csv", "--pairs", "--task=eigen_worms",
    )  # fmt: skip
    return not any(word.startswith((*COMMAND_FLAGS, *own_data)) for word in words)


def without_places(words):
    """Its script and the flags that do not say which data, and where the run is."""
    places = ("--data_dir", "--dataset", "--workdir", "--dry_run")
    return pathlib.PurePath(words[1]).stem, *(w for w in words[2:] if not w.startswith(places))


@pytest.mark.slow
@pytest.mark.parametrize(
    "words", dict.fromkeys(map(without_places, filter(trains, COMMANDS))).keys(), ids=named
)
def test_a_training_can_begin(words):
    """Everything up to the first step, on the data that need no network."""
    done = start(*words, *STAND_INS.get(words[0], []), "--dry_run")
    assert done.returncode == 0, done.stderr
    assert "total" in done.stdout


# what is named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(), re.M)
            slugs = [re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings]
            assert anchor in slugs, target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_and_names_exist(page):
    text = page.read_text()
    folders = "rnnjax|experiments|tests|docs|benchmarks"
    for path in re.findall(rf"(?<![\w./-])((?:{folders})/[\w./-]*\w/?)(?![\w<*…])", text):
        assert (ROOT / path).exists(), path
    for dotted in set(re.findall(r"\b(rnnjax(?:\.\w+)+)", text)):
        assert is_there(dotted), dotted


def is_there(dotted):
    """Whether Python finds a module, or a name in one."""
    name, *rest = dotted.split(".")
    found = importlib.import_module(name)
    for part in rest:
        if hasattr(found, part):
            found = getattr(found, part)
            continue
        name = f"{found.__name__}.{part}"
        if importlib.util.find_spec(name) is None:
            return False
        found = importlib.import_module(name)
    return True


def test_every_page_is_reached_from_the_readme():
    text = (ROOT / "README.md").read_text()
    assert all(f"]({page.relative_to(ROOT)})" in text for page in PAGES[1:])


# lengths


def lines(path):
    return len(path.read_text().splitlines())


def test_lengths():
    assert lines(ROOT / "README.md") <= 200
    most = {"mnist_rnn": 150, "binary_sequence": 150, "imdb_sentiment": 240}
    for name, number in most.items():
        assert lines(ROOT / f"experiments/{name}.py") <= number, name
    for folder in ("rnnjax", "experiments", "tests", "benchmarks"):
        for path in (ROOT / folder).rglob("*.py"):
            assert lines(path) <= 400, path
