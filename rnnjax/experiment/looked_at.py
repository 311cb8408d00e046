"""What an encoder and a decoder with attention looked at in the sources of a test, as a picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from rnnjax.data.codes import Codes
from rnnjax.experiment import encoder_decoder as ed
from rnnjax.experiment.experiment import Outcome
from rnnjax.reports.attention_matrix import Looked, attention_matrices


def draw_attention(
    path: Path, run: Outcome, encoding: ed.Encoding, places: Sequence[int], *, columns: int = 3,
    title: Callable[[str], str] = lambda source: "",
) -> None:  # fmt: skip
    """Draws what the first seed looked at in some test sources; nothing of one without attention.

    Args:
        path: of the PNG.
        run: at its end.
        encoding: of its texts.
        places: of the sources.
        columns: matrices beside each other.
        title: of the matrix of a source.
    """
    if run.config.decoder in ("plain", "context"):
        return
    sources, answers = (
        [texts[i] for i in places] for texts in (run.data.test.sources, run.outputs[0])
    )
    weights = ed.aligning(run.problem.model, encoding)(run.params_of(0), sources, answers)
    looked = [
        Looked(
            [*tokens(encoding.target, own), "end"], tokens(encoding.source, source), each,
            title(source),
        )
        for source, own, each in zip(sources, answers, weights, strict=True)
    ]  # fmt: skip
    attention_matrices(path, run.problem.title, looked, columns=columns)


def tokens(codes: Codes, text: str) -> list[str]:
    """What a text's numbers stand for, to be shown: its words, or their pieces.

    A hyphen stands before a piece that does not begin a word.
    """
    words, numbers = text.split(), codes.encode(text)
    if len(words) == len(numbers):
        return words  # also those that are unknown
    pieces = [codes.symbols[number] for number in numbers]
    return [piece[1:] if piece.startswith(" ") else f"-{piece}" for piece in pieces]
