"""The models in memory: opened at their first request, dropped when others need the room."""

import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from registry import LocalStorage, Models, Registry
from service.model.model_cache import ModelCache
from service.telemetry.meter import totals
from service.telemetry.telemetry import Telemetry
from service.web.errors import MAX_MODELS, ModelNotFound, NoModel
from tests.patience import DEADLINE_SECONDS
from tests.service.small_models import publish, serve, small_model

ROOM = 1024 * 1024  # for several small models
Open = Callable[[int], ModelCache]


@pytest.fixture
def open_cache(models: Path, telemetry: Telemetry) -> Open:
    return lambda max_bytes: ModelCache(Models.local(models, "numnet"), telemetry.meter, max_bytes)


@pytest.fixture
def cache(open_cache: Open) -> ModelCache:
    return open_cache(ROOM)


def of(models: Path, name: str) -> Registry:
    return Registry.local(models / name)


def test_without_a_name_the_default_model_is_found(registry: Registry, cache: ModelCache) -> None:
    assert cache.find() is cache.find("numnet") is cache.default is cache.if_opened("numnet")
    with pytest.raises(NoModel):
        cache.find().versions.require()
    serve(registry, small_model())
    assert cache.find().versions.require().number == "1"


def test_model_is_loaded_at_its_first_request(models: Path, cache: ModelCache) -> None:
    serve(of(models, "pump"), small_model(("flow",)))
    assert cache.if_opened("pump") is None
    found = cache.find("pump")
    assert found.versions.require().model.features == ("flow",)
    assert cache.if_opened("pump") is cache.find("pump") is found
    assert cache.names() == ["numnet", "pump"]


def test_promotion_is_followed_with_one_look_at_the_storage(
    models: Path, cache: ModelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve(of(models, "pump"), small_model())
    cache.find("pump").versions.require()
    looks: list[str] = []
    generation = LocalStorage.generation

    def count(storage: LocalStorage) -> object:
        looks.append(storage.root.name)
        return generation(storage)

    monkeypatch.setattr(LocalStorage, "generation", count)
    assert cache.find("pump").versions.require().number == "1"
    assert looks == ["pump"]
    serve(of(models, "pump"), small_model(seed=1))
    assert cache.find("pump").versions.require().number == "2"


@pytest.mark.parametrize("name", ["valve", "", "7", "..", "a/b", "promotions", "x" * 5000, "é"])
def test_missing_model_is_an_error_that_names_the_others(
    models: Path, cache: ModelCache, name: str
) -> None:
    with pytest.raises(ModelNotFound, match=r"^there is no model .{0,64}; there is numnet$"):
        cache.find(name)
    serve(of(models, "pump"), small_model())
    with pytest.raises(ModelNotFound, match=r"there are numnet, pump$"):
        cache.find(name)
    assert cache.if_opened(name) is None


def test_of_many_models_an_error_names_similar_ones(models: Path, cache: ModelCache) -> None:
    for number in range(MAX_MODELS):
        (models / f"sensor{number}").mkdir(parents=True)
        (models / f"sensor{number}" / "1.npz").touch()
    with pytest.raises(ModelNotFound, match=r"^there is no model senso3; similar: sensor3, "):
        cache.find("senso3")
    with pytest.raises(ModelNotFound, match=r"^there is no model zzz; GET /models lists them$"):
        cache.find("zzz")


def test_models_that_were_not_used_for_longest_leave_memory(models: Path, open_cache: Open) -> None:
    for name in "abc":
        serve(of(models, name), small_model())
    size = open_cache(ROOM).find("a").memory_bytes
    cache = open_cache(2 * size + size // 2)
    first, second = cache.find("a"), cache.find("b")
    assert cache.find("a") is first
    cache.find("c")
    assert cache.if_opened("b") is None
    assert cache.if_opened("a") is first
    assert cache.find("b") is not second
    assert [model.name for model in cache.others()] == ["a", "b"]


def test_versions_by_number_count_among_the_memory(models: Path, open_cache: Open) -> None:
    for name in "ab":
        for seed in range(3):
            serve(of(models, name), small_model(seed=seed))
    size = open_cache(ROOM).find("a").memory_bytes
    cache = open_cache(3 * size + size // 2)
    cache.find("a")
    model = cache.find("b")
    model.versions.require("1")
    assert [each.name for each in cache.others()] == ["a", "b"]
    model.versions.require("2")
    assert cache.others() == [model]


def test_model_that_is_larger_than_the_memory_is_served_alone(
    models: Path, open_cache: Open
) -> None:
    for name in "ab":
        serve(of(models, name), small_model())
    cache = open_cache(0)
    for name in "abab":
        assert cache.find(name).versions.require().number == "1"
        assert [model.name for model in cache.others()] == [name]


def test_broken_model_breaks_itself_alone(models: Path, cache: ModelCache) -> None:
    serve(of(models, "good"), small_model())
    serve(of(models, "broken"), small_model())
    (models / "broken" / "1.npz").write_bytes(b"no model")
    with pytest.raises(NoModel, match="see the log"):
        cache.find("broken").versions.require()
    assert cache.find("good").versions.require().number == "1"
    serve(of(models, "broken"), small_model())
    assert cache.find("broken").versions.require().number == "2"


def test_model_without_a_promotion_has_no_current_version(models: Path, cache: ModelCache) -> None:
    publish(of(models, "pump"), small_model())
    with pytest.raises(NoModel, match="no version yet that is promoted"):
        cache.find("pump").versions.require()
    assert cache.find("pump").versions.require("1").number == "1"


def test_deleted_model_is_not_found(registry: Registry, models: Path, cache: ModelCache) -> None:
    serve(registry, small_model())
    serve(of(models, "pump"), small_model())
    model = cache.find("pump")
    model.versions.require()
    shutil.rmtree(models / "pump")
    with pytest.raises(ModelNotFound):
        model.versions.require()
    with pytest.raises(ModelNotFound):
        cache.find("pump")
    assert cache.if_opened("pump") is None
    serve(of(models, "pump"), small_model(("other",)))
    assert cache.find("pump").versions.require().model.features == ("other",)


@pytest.mark.parametrize("is_mounted", [True, False])
def test_lost_disk_leaves_the_models_in_memory(
    models: Path, cache: ModelCache, is_mounted: bool
) -> None:
    serve(of(models, "pump"), small_model())
    cache.find("pump").versions.require()
    shutil.rmtree(models)
    if is_mounted:
        models.mkdir()
    assert cache.find("pump").versions.require().number == "1"


def test_threads_that_open_a_model_at_once_get_the_same(models: Path, cache: ModelCache) -> None:
    serve(of(models, "pump"), small_model())
    found = []
    start = threading.Barrier(8)

    def find() -> None:
        start.wait()
        found.append(cache.find("pump").versions.require())

    threads = [threading.Thread(target=find) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(map(id, found))) == 1


def test_event_loop_does_not_wait_while_a_model_is_opened(
    models: Path, cache: ModelCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("pump", "valve"):
        serve(of(models, name), small_model())
    cache.find("pump")
    is_opening, may_go_on = threading.Event(), threading.Event()

    def is_local(storage: LocalStorage) -> bool:
        is_opening.set()
        return may_go_on.wait(DEADLINE_SECONDS)

    monkeypatch.setattr(LocalStorage, "is_local", is_local)
    thread = threading.Thread(target=cache.find, args=["valve"])
    thread.start()
    assert is_opening.wait(DEADLINE_SECONDS)
    assert cache.if_opened("pump")
    may_go_on.set()
    thread.join()


def test_one_look_at_a_model_does_not_open_it(models: Path, cache: ModelCache) -> None:
    serve(of(models, "pump"), small_model())
    assert cache.registry("pump").versions() == [1]
    assert cache.others() == []


def test_memory_of_the_models_is_counted(
    models: Path, open_cache: Open, telemetry: Telemetry
) -> None:
    def counted() -> float:
        return totals(telemetry.counters)["numnet_models_in_memory_bytes"][()]

    for name in ("pump", "fan"):
        serve(of(models, name), small_model())
    cache = open_cache(1)  # too little for two
    assert counted() == 0
    pump = cache.find("pump")
    assert counted() == pump.memory_bytes > 0
    fan = cache.find("fan")
    assert counted() == fan.memory_bytes
    assert cache.others() == [fan]
