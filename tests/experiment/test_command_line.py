"""A command line becomes settings, or one sentence."""

import dataclasses

import pytest

from experiments import imdb_sentiment, mnist_rnn
from rnnjax.errors import UsageError
from rnnjax.experiment.command_line import read_flags


def read(*arguments, module=mnist_rnn):
    return read_flags(module.Config, module.PRESETS, ["script.py", *arguments])


def test_every_flag_is_read(tmp_path):
    config = read("--preset=keras50", "--noshuffle", "--hidden_size=0x10", "--average", "0.5")
    assert (config.hidden_size, config.shuffle, config.average) == (16, False, 0.5)
    assert config.steps == 4001
    (tmp_path / "flags").write_text("# mine\n--steps=7\n")
    assert read(f"--flagfile={tmp_path / 'flags'}", "--undefok=speed", "--speed=3").steps == 7
    assert read("--hidden_size= 5_000").hidden_size == 5000
    assert read("--hidden_size=٣").hidden_size == 3


@pytest.mark.parametrize("flag", ["--help", "--helpshort", "-help", "--helpfull"])
def test_help_lists_every_setting_and_ends_well(flag, capsys):
    with pytest.raises(SystemExit) as stop:
        read("--steps=3", flag, "--nonsense", module=imdb_sentiment)
    assert not stop.value.code
    said = capsys.readouterr().out
    for field in dataclasses.fields(imdb_sentiment.Config):
        assert f"--{field.name}:" in said or f"--[no]{field.name}:" in said
    assert f"{said.rstrip()}\n" == said, "whole lines"


def test_flags_can_be_checked_without_doing_anything():
    with pytest.raises(SystemExit) as stop:
        read("--only_check_args", "--steps=3")
    assert not stop.value.code
    with pytest.raises(UsageError, match="--steps must be at least 1"):
        read("--only_check_args", "--steps=0")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pdb"], "Unknown command line flag 'pdb'"),
        (["--run_with_pdb"], "Unknown command line flag 'run_with_pdb'"),
        (["--profile_file=thesis.txt"], "Unknown command line flag 'profile_file'"),
        (["--flagfile=/no/such/file"], "Unable to open flagfile"),
        (["--flagfile=/"], "Unable to open flagfile"),
        (["--flagfile={tmp}/bytes"], "--flagfile names a file that is no text in UTF-8"),
        (["--flagfile={tmp}/zero"], "--workdir holds a zero byte"),
        (["--verbosity=loud"], "--verbosity=loud"),
        (["--stderrthreshold=x"], "--stderrthreshold must be one of"),
        (["--logger_levels=x"], "--logger_levels=x"),
        (["--steps"], "Missing value for flag --steps"),
        (["--steps=9" + "9" * 5000], "..."),
        (["--shuffle=maybe"], "--shuffle=maybe"),
        (["--preset=" + "x" * 5000], "... is unknown; expected one of: keras32"),
        (["train"], "stray argument 'train'"),
        (["--", "--steps=3"], "stray argument '--steps=3'"),
        (["--workdir={tmp}/bytes/run"], "can't be used (Not a directory); name another one."),
        (["--workdir=" + "x" * 300], "... can't be used (File name too long); "),
        (["--compilation_cache={tmp}/loop/x"], "can't be used (Too many levels of symbolic links"),
    ],
)
def test_mistakes_are_told_in_one_sentence(arguments, message, tmp_path):
    (tmp_path / "bytes").write_bytes(b"--steps=\xff\n")
    (tmp_path / "zero").write_bytes(b"--workdir=a\0b\n")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(UsageError) as error:
        read(*(argument.format(tmp=tmp_path) for argument in arguments))
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 420
