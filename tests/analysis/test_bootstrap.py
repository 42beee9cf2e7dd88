import numpy as np
import pytest

from harness.analysis.bootstrap import nan_mean, resample_counts, resample_seed, resampled_means


def test_every_resample_draws_as_many_samples_as_there_are() -> None:
    counts = np.concatenate(list(resample_counts(37, 500, seed=0)))
    assert counts.shape == (500, 37)
    assert (counts.sum(axis=1) == 37).all()
    assert abs(counts.mean() - 1) < 1e-12


def test_chunks_do_not_change_the_draw(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).normal(size=(30, 4))
    whole = resampled_means(values, 64, seed=5)
    monkeypatch.setattr("harness.analysis.bootstrap._CHUNK", 30 * 7)
    assert np.allclose(resampled_means(values, 64, seed=5), whole)


def test_columns_share_their_resamples_so_that_differences_are_paired() -> None:
    base = np.random.default_rng(0).normal(size=50)
    draws = resampled_means(np.stack([base, base + 3.0], axis=1), 200, seed=0)
    assert np.allclose(draws[:, 1] - draws[:, 0], 3.0)


def test_undefined_samples_are_left_out() -> None:
    values = np.array([1.0, np.nan, 3.0, np.nan])
    draws = resampled_means(values[:, None], 4000, seed=0)[:, 0]
    defined = draws[~np.isnan(draws)]
    assert set(np.round(defined, 6)) <= {1.0, 3.0, 2.0, 1.5, 2.5, round(5 / 3, 6), round(7 / 3, 6)}
    assert np.isnan(draws).mean() == pytest.approx(0.5**4, abs=0.02)
    assert np.isnan(resampled_means(np.full((5, 2), np.nan), 10, seed=0)).all()
    assert np.isnan(resampled_means(np.empty((0, 2)), 10, seed=0)).all()


@pytest.mark.filterwarnings("error")
def test_mean_of_nothing_is_undefined() -> None:
    assert nan_mean(np.array([[1.0, np.nan], [3.0, np.nan]])) == pytest.approx([2.0, np.nan], nan_ok=True)


def test_resamples_depend_on_the_samples_and_the_seed_alone() -> None:
    assert resample_seed(0, ["a", "b"]) == resample_seed(0, ["b", "a"])
    assert resample_seed(0, ["a", "b"]) != resample_seed(1, ["a", "b"])
    assert resample_seed(0, ["a", "b"]) != resample_seed(0, ["a", "c"])
