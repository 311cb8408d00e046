"""Tables, notes, the file and the picture."""

import io
import json
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console

from benchmarks import chart, report


def timed(median, peer_ratio=None, **more):
    result = {"status": "timed", "seconds": {"median": median, "q1": median, "q3": median}, **more}
    if peer_ratio is not None:
        result["ratio"] = {"median": peer_ratio, "q1": peer_ratio, "q3": peer_ratio}
    return result


ENTRIES = {
    "keras50.train": {
        "name": "keras50.train",
        "kind": "train",
        "work": {"batch": 50, "steps": 28, "hidden_size": 50},
        "busy_elsewhere": 1.5,
        "sides": {
            "rnnjax": timed(0.0012, fraction_of_floor=0.41, peak_memory=2**20, memory_before=0),
            "torch": timed(0.004, 0.3),
            "flax_linen": {"status": "disagrees", "reason": "output.0 differs by 0.1"},
        },
    },
    "whole": {
        "name": "whole",
        "kind": "run",
        "busy_elsewhere": 0.0,
        "sides": {"rnnjax": timed(5.0), "torch": timed(4.0, 1.25)},
    },
    "seeds": {
        "name": "seeds",
        "kind": "run",
        "busy_elsewhere": None,
        "sides": {
            "at once": timed(20.0),
            "in turn": timed(40.0, 0.5, ratio_of_training={"median": 0.7}),
        },
    },
}


def shown(renderable):
    text = io.StringIO()
    Console(width=80, file=text).print(renderable)
    return text.getvalue()


def test_a_row_fits_a_terminal():
    lines = shown(report.row_table(ENTRIES["keras50.train"])).splitlines()
    assert "batch 50, 28 steps, 50 units" in lines[0]
    (torch,) = (line for line in lines if "PyTorch" in line)
    assert torch.split() == ["PyTorch", "4.00", "ms", "4.00–4.00", "ms", "0.30", "0.30–0.30"]
    (ours,) = (line for line in lines if "rnnjax" in line)
    assert ours.split()[-3:] == ["41%", "1", "MB"]
    assert any("disagrees" in line for line in lines)


def test_the_summary_has_a_line_for_each_row_and_a_ratio_for_each_peer():
    text = shown(report.summary_table(ENTRIES, ["torch", "flax_linen"]))
    lines = [line.split() for line in text.splitlines()]
    assert ["keras50.train", "1.20", "ms", "41%", "0.30", "disagrees"] in lines
    assert ["whole", "5.00", "s", "1.25"] in lines


def test_notes():
    disturbed, disagrees, seeds = report.notes(ENTRIES)
    assert disturbed.startswith("keras50.train: disturbed, 1.5 cores")
    assert disagrees == "keras50.train, flax_linen: disagrees: output.0 differs by 0.1"
    assert "take 0.50 of the time of eight runs in turn, their training alone 0.70" in seeds


def test_what_a_written_symbol_takes():
    entry = {
        "name": "charlm.sample1", "kind": "sample", "busy_elsewhere": None,
        "work": {"batch": 1, "steps": 2000, "hidden_size": 256},
        "sides": {"rnnjax": timed(0.1), "torch": {"status": "failed", "reason": "no"}},
    }  # fmt: skip
    note, _ = sorted(report.notes({"charlm.sample1": entry}), key=len, reverse=True)
    assert note == "charlm.sample1, for each symbol of a text: rnnjax 50.0 µs"
    assert "2000 symbols written" in shown(report.row_table(entry)).splitlines()[0]


def test_times_have_three_digits_and_a_unit():
    texts = [report.time_text(s) for s in (2.5e-7, 0.00012345, 0.00999, 0.0821, 14.2, 123.4)]
    assert texts == ["0.25 µs", "123 µs", "9.99 ms", "82.1 ms", "14.2 s", "123 s"]


def test_the_file_holds_everything(tmp_path):
    path = tmp_path / "peers.json"
    report.write(path, {"machine": {"cores": 2}}, ENTRIES)
    assert json.loads(path.read_text()) == {"machine": {"cores": 2}, "rows": ENTRIES}
    assert [p.name for p in tmp_path.iterdir()] == ["peers.json"]


def test_the_picture_shows_each_ratio(tmp_path):
    path = tmp_path / "peers.png"
    chart.draw(ENTRIES, ["torch", "flax_linen"], "two cores", path)
    pixels = plt.imread(path)[..., :3]
    colour = np.array([int(chart.COLOURS["torch"][i : i + 2], 16) for i in (1, 3, 5)]) / 255
    torch = np.abs(pixels - colour).max(axis=-1) < 0.02
    legend, bars = torch[: len(torch) // 6], torch[len(torch) // 6 :]
    assert legend.any()
    # A bar left of the line in the left half, where we are faster, and one in the right half.
    middle = bars.shape[1] // 2
    assert bars[:, :middle].any()
    assert bars[:, middle:].any()


def test_no_picture_without_ratios(tmp_path):
    chart.draw({"seeds": ENTRIES["seeds"]}, ["torch"], "", tmp_path / "peers.png")
    assert not list(tmp_path.iterdir())


def test_a_bar_reaches_from_the_line_to_the_ratio():
    figure, axes = plt.subplots()
    ratios = {"median": 0.3, "q1": 0.25, "q3": 0.35}
    chart._draw_panel(axes, "training steps", {"keras50": {"torch": ratios}}, ["torch"])
    bar: Any = axes.patches[0]
    ends = bar.get_x(), bar.get_x() + bar.get_width()
    np.testing.assert_allclose(sorted(ends), [0.3, 1])
    assert [text.get_text() for text in axes.texts] == ["0.30"]
    assert axes.get_xscale() == "log"
    low, high = axes.get_xlim()
    assert low < 0.25 < 1 < high
    plt.close(figure)
