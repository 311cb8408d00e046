"""What mixtures of Gaussians without a network make of drawings."""

from __future__ import annotations

import numpy as np

from rnnjax.data.drawings import END, FLOOR, DrawingsDataset

COMPONENTS = 20
MOST_POINTS = 30_000
"""That a mixture is fitted to, drawn by chance out of more."""


def metrics(data: DrawingsDataset) -> dict[str, dict[str, float]]:
    """Nats per test point of mixtures of `COMPONENTS` Gaussians and frequencies of the pen.

    They are fitted to the training points by expectation maximisation: one for all points, and one
    for each state of the pen before. Each frequency is counted once more than there are.
    """
    return {
        f"{COMPONENTS} Gaussians": {"test_loss": _loss(data, given_pen=False)},
        f"{COMPONENTS} Gaussians given the pen before": {"test_loss": _loss(data, given_pen=True)},
    }


def _loss(data: DrawingsDataset, *, given_pen: bool) -> float:
    offsets, pens, before = data.train.points()
    test_offsets, test_pens, test_before = data.test.points()
    if not given_pen:
        before, test_before = np.zeros_like(before), np.zeros_like(test_before)
    total = 0.0
    for state in np.unique(test_before):
        own, asked = before == state, test_before == state
        density = fitted(offsets[own]).score_samples(test_offsets[asked])
        counts = np.bincount(pens[own], minlength=END + 1) + 1
        total -= (density + np.log(counts / counts.sum())[test_pens[asked]]).sum()
    return float(total / len(test_pens))


def fitted(points: np.ndarray):
    """A mixture of points ``[N, 2]``, as scikit-learn's ``GaussianMixture``."""
    from sklearn.mixture import GaussianMixture  # it takes a second

    rng = np.random.default_rng(0)
    if len(points) > MOST_POINTS:
        points = rng.choice(points, MOST_POINTS, replace=False)
    # What is added to both variances bounds every deviation from below.
    mixture = GaussianMixture(
        min(COMPONENTS, len(points)), reg_covar=FLOOR**2, init_params="k-means++", random_state=0
    )
    return mixture.fit(points.astype(np.float64))
