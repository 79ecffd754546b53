"""The rows that a member is trained on."""

import numpy as np

from tests.trainer.ensemble.conftest import MakeData
from trainer.ensemble.networks.sampling import Sampler


def test_an_epoch_is_every_row_outside_the_fold_once(make_data: MakeData) -> None:
    data = make_data(100, partitions=2)
    sampler = Sampler(data, 1, 2, limit=1000)
    rows = sampler.epoch(np.random.default_rng(0), sampler.count)
    assert sorted(rows) == np.flatnonzero(data.folds[1] != 2).tolist()
    assert sorted([*rows, *sampler.held_out()]) == list(range(100))


def test_two_epochs_have_different_orders(make_data: MakeData) -> None:
    sampler, rng = Sampler(make_data(100), 0, 0, limit=1000), np.random.default_rng(0)
    assert sampler.epoch(rng, 50).tolist() != sampler.epoch(rng, 50).tolist()


def test_many_rows_are_drawn_at_random_outside_the_fold(make_data: MakeData) -> None:
    data = make_data(5000)
    sampler = Sampler(data, 0, 1, limit=1000)
    assert sampler.count == 1000
    rows = sampler.epoch(np.random.default_rng(0), 1000)
    assert len(rows) == 1000
    assert (data.folds[0, rows] != 1).all()
    assert len(np.unique(rows)) > 800
    assert np.mean(rows) / 5000 == np.clip(np.mean(rows) / 5000, 0.45, 0.55)
