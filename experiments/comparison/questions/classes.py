"""How does each class fare? Precision, recall and F1 with intervals over seeds."""

from __future__ import annotations

import numpy as np

from experiments.comparison.answer import Answer, Figure, Table
from experiments.comparison.group import Group, Plan
from experiments.comparison.scope import require
from experiments.comparison.study import Study
from experiments.comparison.wording import caveats
from rnnjax.analysis.bootstrap import mean_over_seeds, paired_difference
from rnnjax.analysis.class_scores import SCORES, ClassScores, score_classes
from rnnjax.analysis.pictures import draw_class_scores
from rnnjax.reports.plots import draw_confusion

TASKS = ("mnist_rnn", "imdb_sentiment")
NAMES = {"precision": "precision", "recall": "recall", "f1": "F1"}


def answer(study: Study) -> Answer:
    """Trains the task as its flags say, and scores every class."""
    require(study, TASKS, "at half of its places a coin decides, whatever the class")
    (group,) = study.run([Plan("classes")])
    names = group.problem.class_names
    predicted = group.logits[0].argmax(axis=-1)
    scores = score_classes(np.asarray(group.problem.test_labels), predicted, len(names))
    estimates = {NAMES[name]: scores.estimates(name) for name in SCORES}
    counts = scores.mean_counts
    columns = ("class", *NAMES.values(), "examples")
    rows = [
        (name, *(column[i] for column in estimates.values()), int(counts[i].sum()))
        for i, name in enumerate(names)
    ]
    seeds = f"{len(predicted)} seed{'s' if len(predicted) > 1 else ''}"
    title = f"{group.problem.title.partition(', ')[0]}, {seeds}"
    return Answer(
        "How does each class fare?",
        "Which classes are read well, which badly, and what are they taken for?",
        _sentences(group, scores),
        (
            Table("class_scores", "Scores of each class over the seeds", columns, rows),
            Table(
                "confusion",
                "Examples of each class (rows) that the average seed takes for each (columns)",
                ("true", *names),
                [(name, *row.tolist()) for name, row in zip(names, counts, strict=True)],
                dict.fromkeys(names, ".0f"),
            ),
        ),
        (
            Figure(
                "class_scores",
                draw_class_scores(title, names, estimates),
                "Precision, recall and F1 of each class as points with error bars.",
                "Mean over the seeds and 95% interval.",
            ),
            Figure(
                "confusion",
                draw_confusion(title, counts, names),
                "Matrix of true against predicted classes, most of it on the diagonal.",
                "Mean number of examples over the seeds; the colour is the square root of the "
                "share of the row.",
            ),
        ),
    )


def _sentences(group: Group, scores: ClassScores) -> list[str]:
    names = group.problem.class_names
    f1 = scores.by_seed["f1"]
    worst, second, *_ = order = np.argsort(f1.mean(axis=0), kind="stable")
    best = order[-1]
    estimates = scores.estimates("f1")
    accuracy = mean_over_seeds(group.final("test_accuracy")[0], bounds=(0, 1))
    gap = paired_difference(f1[:, best], f1[:, worst])
    ahead = paired_difference(f1[:, second], f1[:, worst])
    lead = "" if ahead.excludes(0) else ", which these seeds can't tell from none"
    found = [
        f"Test accuracy {accuracy.text()}.",
        f"{names[best]} is read best, F1 {estimates[best].text(3)}, and {names[worst]} worst, F1 "
        f"{estimates[worst].text(3)}: a difference of {gap.text(3)} between the two, seed by seed.",
    ]
    if len(names) > 2:
        found.append(
            f"Next to {names[worst]} comes {names[second]}, {ahead.text(3, sign=True)} ahead in F1"
            + f"{lead * ahead.has_interval}."
        )
    mistakes = [
        f"{names[i]} for {names[j]} ({often.text(1)} of {scores.mean_counts[i].sum():.0f})"
        for i, j, often in scores.confusions(3)
    ]
    if mistakes:
        found.append(f"Taken most often: {'; '.join(mistakes)}.")
    return [*found, *caveats([accuracy])]
