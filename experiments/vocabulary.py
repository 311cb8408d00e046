"""The words that a run was trained with, in its folder."""

from __future__ import annotations

from pathlib import Path

from rnnjax.data.text import Vocabulary
from rnnjax.errors import UsageError
from rnnjax.runs.files import write_text
from rnnjax.runs.folder import read_config
from rnnjax.storage.files import read_bytes

VOCABULARY = "vocabulary.json"


def save_vocabulary(folder: Path, vocabulary: Vocabulary) -> None:
    """Writes the vocabulary of a run into its folder."""
    write_text(folder / VOCABULARY, vocabulary.to_json() + "\n")


def saved_vocabulary(workdir: str) -> Vocabulary:
    """The vocabulary that the run in a folder was trained with."""
    path = Path(workdir).expanduser() / VOCABULARY
    try:
        vocabulary = Vocabulary.from_json(read_bytes(path).decode())
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} can't be read as a vocabulary ({error}); train again.") from None
    if vocabulary.digest != read_config(workdir)["dataset"].get("vocabulary"):
        raise UsageError(
            f"{path} is not the vocabulary that the parameters beside it were trained with; put "
            "the original file back, or train again."
        )
    return vocabulary
