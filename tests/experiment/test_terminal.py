"""Text of users and of data is shown as it is."""

import io

import jax.numpy as jnp
import pytest
from rich.panel import Panel

from rnnjax.experiment import mistakes
from rnnjax.experiment.terminal import PlainConsole, loading, open_console
from rnnjax.reports import tables
from rnnjax.reports.progress import TrainingProgress

TEXTS = ["see [/spoiler] he dies", "[red]", ":smile:", "[bold", "[[x]]", "a[1] \\[b]", "[link=x]y"]


@pytest.fixture
def console():
    return PlainConsole(file=io.StringIO(), width=200)


def said(console):
    return console.file.getvalue()


def as_line(console, text):
    console.print(text)


def as_styled_line(console, text):
    console.print(text, style="bold yellow", soft_wrap=True)


def as_rule(console, text):
    console.rule(text)


def as_panel(console, text):
    console.print(Panel(text, title="other data"))


SCORES: dict[str, float] = dict.fromkeys(("precision", "recall", "f1", "support"), 1.0)


def as_class(console, text):
    console.print(tables.class_table({text: SCORES, "mean": SCORES}, "a title"))


def as_title(console, text):
    console.print(tables.class_table({"mean": SCORES}, text))


def as_parameter(console, text):
    console.print(tables.params_table({text: jnp.zeros(1)}, "a title"))


def as_mistake(console, text):
    mistake = {"label": 1, "probability": 0.1, "text": text}
    console.print(mistakes.mistakes_table([mistake], [f"not {text}", text]))


def as_training(console, text):
    with TrainingProgress(console, text, 3) as progress:
        progress.update(3, 0.5)


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize(
    "show",
    [
        as_line, as_styled_line, as_rule, as_panel, as_class, as_title, as_parameter, as_mistake,
        as_training,
    ],
)  # fmt: skip
def test_brackets_and_colons_mean_nothing(console, show, text):
    show(console, text)
    assert text in said(console)


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_loaded_may_have_any_name(text):
    console = PlainConsole(file=io.StringIO(), width=200, force_terminal=True)
    with loading(console) as progress:
        progress(text, 1, 2)
        progress(text, 2, None)
    plain = PlainConsole(file=io.StringIO(), width=200)
    with loading(plain) as progress:
        progress(text, 1, 2)
    assert text in said(console)


def test_a_line_in_a_pipe_is_one_line_and_a_table_is_not_wider():
    console = PlainConsole(file=io.StringIO(), width=80)
    console.print("word " * 50 + "end")
    assert said(console).count("\n") == 1
    console.print(
        mistakes.mistakes_table([{"label": 0, "probability": 0.9, "text": "word " * 50}], "ab")
    )
    assert max(map(len, said(console).splitlines()[1:])) <= 80
    wide = PlainConsole(file=io.StringIO(), width=80, force_terminal=True)
    wide.print("word " * 50)
    assert said(wide).count("\n") > 1, "a terminal has words that are whole"


def test_the_console_of_a_script_is_plain(capsys):
    open_console().print("[red] :smile: 123")
    assert capsys.readouterr().out == "[red] :smile: 123\n"
