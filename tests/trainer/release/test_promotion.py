"""Released versions: promoted or kept back."""

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from network import Model
from network.column import numbers
from registry import (
    LocalStorage,
    Registry,
    StorageError,
    Version,
    VersionNotFound,
    VersionRefused,
)
from registry.model_file import decode
from tests.registry.races import in_processes
from tests.trainer.linear_models import linear_model
from trainer.data.split import held_out
from trainer.data.table import Table
from trainer.release.gate import Candidate, Verdict, judge
from trainer.release.promotion import Terms, release, released
from trainer.training.recipe import Recipe

W = np.array([[2.0], [-3.0]])
X = np.random.default_rng(3).uniform(-1.0, 1.0, (200, 2))
TABLE = Table(numbers(("a", "b")), ("u",), X, X @ W, "made")
GATE = Terms("tests")
NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def off_by(error: float, **options: Any) -> Model:
    return linear_model(W, error, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def registry(folder: Path) -> Registry:
    return Registry.local(folder)


def publish(registry: Registry, model: Model) -> int:
    return registry.publish(model, {}, np.zeros((1, len(model.features)))).number


def promote(registry: Registry, version: int) -> None:
    registry.promote(version, by="somebody", reason="", at=NOON)


def current(registry: Registry) -> int | None:
    promotion = registry.current()
    return promotion.version if promotion else None


def release_(registry: Registry, version: int, terms: Terms = GATE) -> Verdict:
    return release(registry, registry.load(version), TABLE, Recipe(), terms=terms, now=lambda: NOON)


def test_first_version_is_promoted(registry: Registry) -> None:
    verdict = release_(registry, publish(registry, off_by(9.0)))
    assert verdict == Verdict(True, "there is no version to compare it with")
    [promotion] = registry.history()
    assert (promotion.version, promotion.by, promotion.at) == (1, "tests", NOON.isoformat())
    assert promotion.reason == verdict.reason


def test_first_version_is_promoted_with_its_warnings_as_reason(registry: Registry) -> None:
    card = {"warnings": ["R² is -1", "the time limit ended the training"]}
    version = registry.publish(off_by(9.0), card, np.zeros((1, 2))).number
    reason = "there is no version to compare it with; R² is -1; the time limit ended the training"
    assert release_(registry, version) == Verdict(True, reason)
    assert registry.history()[0].reason == reason


def test_gate_compares_on_the_held_out_rows(registry: Registry) -> None:
    for error in (0.3, 0.2, 0.25, 0.1):
        version = publish(registry, off_by(error))
        before = current(registry)
        verdict = release_(registry, version)
        if before:
            candidate = Candidate(version, off_by(error), held_out(TABLE), Recipe().make_loss())
            against = registry.load(before).model
            assert verdict == judge(candidate, against, before, 0.0)
            assert verdict.rows == 20
    promoted = [promotion.version for promotion in registry.history()]
    assert promoted == [1, 2, 4]
    assert registry.versions() == [1, 2, 3, 4]


def test_terms_have_the_margin(registry: Registry) -> None:
    promote(registry, publish(registry, off_by(0.2)))
    strict, mild = Terms("tests", margin=-0.5), Terms("tests", margin=0.3)
    assert not release_(registry, publish(registry, off_by(0.19)), strict).promote
    assert not release_(registry, publish(registry, off_by(0.21))).promote
    assert release_(registry, publish(registry, off_by(0.21)), mild).promote


def test_recipe_has_the_loss(registry: Registry) -> None:
    promote(registry, publish(registry, off_by(0.2)))
    verdict = release(
        registry,
        registry.load(publish(registry, off_by(0.1))),
        TABLE,
        Recipe(loss="quantile", quantile=0.9),
        terms=GATE,
    )
    assert verdict.metric == "Quantile loss"


def test_policy_never_keeps_back_even_a_better_version(registry: Registry) -> None:
    never = Terms("tests", "never")
    for error in (0.2, 0.1):
        verdict = release_(registry, publish(registry, off_by(error)), never)
        assert verdict == Verdict(False, "published without promotion, as requested")
    assert current(registry) is None


def test_policy_always_promotes_even_a_version_with_other_features(registry: Registry) -> None:
    promote(registry, publish(registry, off_by(0.1)))
    version = publish(registry, off_by(9.0, features=("c", "d")))
    assert not release_(registry, version).promote
    verdict = release_(registry, version, Terms("tests", "always"))
    assert verdict == Verdict(True, "promoted without a comparison, as requested")
    assert current(registry) == version


@pytest.mark.parametrize("policy", ["gate", "always", "never"])
def test_promoted_version_is_not_promoted_again(registry: Registry, policy: Any) -> None:
    promote(registry, publish(registry, off_by(0.2)))
    first = release_(registry, publish(registry, off_by(0.1)))
    publish(registry, off_by(0.05))
    promote(registry, 3)
    registry.roll_back(by="ops", at=NOON)
    registry.roll_back(by="ops", at=NOON)
    assert current(registry) == 1
    again = release_(registry, 2, Terms("tests", policy))
    assert again == Verdict(True, first.reason, against=1)
    assert current(registry) == 1
    assert len(registry.history()) == 5


def test_version_that_another_release_promoted_is_judged_again(registry: Registry) -> None:
    for error in (0.2, 0.1):
        promote(registry, publish(registry, off_by(error)))
    registry.roll_back(by="ops", at=NOON)
    verdict = release_(registry, 2)
    assert (verdict.promote, verdict.against, verdict.rows) == (True, 1, 20)
    assert current(registry) == 2


def test_version_with_the_number_of_a_deleted_one_is_judged(
    registry: Registry, folder: Path
) -> None:
    for error in (0.3, 0.2):
        promote(registry, publish(registry, off_by(error)))
    (folder / "2.npz").unlink()
    assert publish(registry, off_by(0.4)) == 2
    assert not release_(registry, 2).promote
    (folder / "2.npz").unlink()
    assert publish(registry, off_by(0.1)) == 2
    assert release_(registry, 2).against == 1
    assert [promotion.version for promotion in registry.history()] == [1, 2, 2]
    serving = registry.serving()
    assert serving is not None
    assert serving.version == 2


def test_damaged_current_version_is_replaced_by_its_predecessor_for_comparison(
    registry: Registry, folder: Path
) -> None:
    for error in (0.2, 0.01):
        promote(registry, publish(registry, off_by(error)))
    version = publish(registry, off_by(0.1))
    (folder / "2.npz").write_bytes(b"")
    verdict = release_(registry, version)
    assert (verdict.promote, verdict.against) == (True, 1)


class Overtaken(LocalStorage):
    """Calls a hook right before the first promotion is written."""

    def __init__(self, root: Path, hook: Callable[[], object]) -> None:
        super().__init__(root)
        self.hooks = [hook]

    def create(self, key: str, content: bytes) -> None:
        if key.startswith("promotions/") and self.hooks:
            self.hooks.pop()()
        super().create(key, content)


@pytest.mark.parametrize(
    ("error", "promoted"), [(0.05, False), (0.15, True)], ids=["better", "worse"]
)
def test_version_is_judged_again_if_another_was_promoted_meanwhile(
    registry: Registry, folder: Path, error: float, promoted: bool
) -> None:
    promote(registry, publish(registry, off_by(0.2)))
    candidate, other = publish(registry, off_by(0.1)), publish(registry, off_by(error))
    overtaken = Overtaken(folder, lambda: promote(registry, other))
    verdict = release_(Registry(overtaken), candidate)
    assert not overtaken.hooks
    assert verdict.against == other
    assert verdict.promote == promoted
    assert current(registry) == (candidate if promoted else other)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # BLAS keeps idle threads
def test_best_of_concurrent_releases_is_current_at_the_end(tmp_path: Path) -> None:
    rounds, errors = 12, (0.3, 0.1, 0.2)

    def registry_of(index: int) -> Registry:
        return Registry.local(tmp_path / str(index))

    for index in range(rounds):
        promote(registry_of(index), publish(registry_of(index), off_by(0.5)))
        for error in errors:
            publish(registry_of(index), off_by(error))

    def attempt(index: int, contestant: int) -> bool:
        return release_(registry_of(index), contestant + 2).promote

    verdicts = in_processes(len(errors), rounds, attempt)
    for index, promoted in enumerate(verdicts):
        history = [promotion.version for promotion in registry_of(index).history()]
        assert history[-1] == 3
        assert sorted(history) == [1, *(number + 2 for number in range(3) if promoted[number])]


def test_old_versions_are_deleted_whatever_the_verdict(registry: Registry) -> None:
    two = Terms("tests", keep=2)
    for error in (0.5, 0.4, 0.3):
        assert release_(registry, publish(registry, off_by(error)), two).promote
    assert registry.versions() == [2, 3]
    assert not release_(registry, publish(registry, off_by(0.6)), two).promote
    assert registry.versions() == [2, 3, 4]  # current, the one before, and the newest two


def test_release_succeeds_if_old_versions_cannot_be_deleted(
    registry: Registry, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class ReadOnly(LocalStorage):
        def delete(self, key: str) -> None:
            raise StorageError(f"cannot delete {key}: Read-only file system")

    for error in (0.5, 0.4, 0.3):
        release_(registry, publish(registry, off_by(error)))
    version = publish(registry, off_by(0.2))
    assert release_(Registry(ReadOnly(folder)), version, Terms("tests", keep=2)).promote
    assert current(registry) == version
    assert "cannot delete old versions: cannot delete 1.npz: Read-only file system" in caplog.text


@pytest.mark.parametrize("policy", ["gate", "always"])
def test_version_damaged_after_it_was_published_is_not_promoted(
    registry: Registry, folder: Path, policy: Any
) -> None:
    promote(registry, publish(registry, off_by(0.2)))
    published = registry.load(publish(registry, off_by(0.1)))
    terms = Terms("tests", policy)
    path = folder / f"{published.number}.npz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(VersionRefused, match="changed or replaced"):
        release(registry, published, TABLE, Recipe(), terms=terms)
    path.unlink()
    with pytest.raises(VersionNotFound):
        release(registry, published, TABLE, Recipe(), terms=terms)
    assert current(registry) == 1


def test_candidate_is_not_decoded_again(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[int] = []

    def count(content: bytes) -> Version:
        version = decode(content)
        decoded.append(version.number)
        return version

    monkeypatch.setattr("registry.versions.decode", count)
    for error in (0.2, 0.1):
        published = registry.publish(off_by(error), {}, np.zeros((1, 2)))
        assert release(registry, published, TABLE, Recipe(), terms=GATE).promote
    assert decoded == [1, 2, 1]  # published, published, the current one for the comparison


def test_report_has_the_verdict_with_its_numbers(registry: Registry) -> None:
    promoted = release_(registry, publish(registry, off_by(0.2)))
    kept_back = release_(registry, publish(registry, off_by(0.4)))
    assert released(1, promoted) == {
        "version": 1,
        "state": "promoted",
        "verdict": asdict(promoted),
    }
    report = released(2, kept_back)
    assert (report["version"], report["state"]) == (2, "kept_back")
    assert report["verdict"]["candidate"] == pytest.approx(0.16)
    assert report["verdict"]["current"] == pytest.approx(0.04)
    assert report["verdict"]["against"] == 1
