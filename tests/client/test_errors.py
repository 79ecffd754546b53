"""Every error of a running service has a class of its own, with what the service said."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

import numnet
from numnet import Client, Problem
from numnet.errors import problem
from registry import Registry
from service.web.problems import PROBLEMS
from tests.e2e.conftest import ADMIN_TOKEN, Service, StartService
from tests.service.small_models import FEATURES, promote, publish, serve, small_model

ROW = dict.fromkeys(FEATURES, 0.5)


@pytest.fixture(scope="module")
def own_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service without a trainer, whose only version cannot make intervals."""
    folder = tmp_path_factory.mktemp("own")
    serve(Registry.local(folder / "models"), small_model())
    settings = {"NUMNET_MAX_BODY_BYTES": "2000"}
    running = Service(folder / "models", folder / "out", settings=settings)
    running.start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def own(own_service: Service) -> Iterator[Client]:
    with Client(own_service.url, token=ADMIN_TOKEN, retries=0) as client:
        yield client


@pytest.mark.parametrize("slug", PROBLEMS)
def test_every_type_of_problem_has_a_class(slug: str) -> None:
    error = problem(PROBLEMS[slug].status, {"type": f"/problems/{slug}", "title": "Title"})
    assert error.slug == slug
    assert type(error).__name__ in numnet.__all__
    assert type(error).__name__ in (numnet.errors.__doc__ or "")


def test_a_newer_type_of_problem_has_the_class_of_its_status() -> None:
    error = problem(409, {"type": "/problems/a-new-one", "title": "New", "detail": "why"})
    assert type(error) is numnet.Conflict
    assert error.type == "/problems/a-new-one"
    assert type(problem(418, {})) is Problem


def test_errors_survive_another_process() -> None:
    document = {"title": "T", "detail": "d", "errors": [{"pointer": "/x1", "detail": "is wrong"}]}
    error = problem(422, document, "id-1", 2.0)
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), copy.errors) == (type(error), str(error), error.errors)
    assert (copy.request_id, copy.retry_after_seconds) == ("id-1", 2.0)


def test_invalid_input_names_every_wrong_value(client: Client) -> None:
    with pytest.raises(numnet.InvalidInput) as caught:
        client.predict({**ROW, "x1": "abc", "x3": None, "x5": 1.0})
    error = caught.value
    assert error.status == 422
    assert {each.pointer for each in error.errors} == {"/x1", "/x3", "/x5"}
    assert 'must be a finite number, got "abc"' in str(error)
    assert client.predict(error.example).version == "2"
    assert error.request_id
    assert error.type == "/problems/invalid-input"
    with pytest.raises(numnet.InvalidInput) as caught:
        client.predict(ROW, interval=1.5)
    assert [each.parameter for each in caught.value.errors] == ["interval"]
    with pytest.raises(numnet.InvalidInput) as caught:
        client.predict([{**ROW, "x1": str(number)} for number in range(30)])
    assert len(caught.value.errors) == 20
    assert str(caught.value).endswith("; and 17 more")


def test_bad_requests_and_media_types(own: Client) -> None:
    with pytest.raises(numnet.BadRequest):
        own.predict_csv(b"\xff\xff")
    with pytest.raises(numnet.UnsupportedMediaType):
        own.predict_csv(b"x1\n1\n", encoding="no-such-charset")


def test_tokens(own_service: Service, start_service: StartService) -> None:
    with Client(own_service.url) as client, pytest.raises(numnet.Unauthorized):
        client.promote(1)
    with Client(own_service.url, token="a-wrong-token", retries=0) as client:
        for _ in range(5):
            with pytest.raises(numnet.Forbidden):
                client.promote(1)
        with pytest.raises(numnet.TooManyRequests) as caught:
            client.promote(1)
    assert caught.value.retry_after_seconds
    with Client(own_service.url, token=ADMIN_TOKEN) as client:
        assert client.promote(1).version == "1"  # after the time that the service asks for


def test_what_does_not_exist_is_not_found(client: Client, service: Service) -> None:
    for call in (
        lambda: client.card(99),
        lambda: client.evaluation(99),
        lambda: client.card("x/../1"),
        lambda: client.job("no-such-job"),
        lambda: list(client.watch("no-such-job")),
        lambda: client.predict(ROW, version=99),
        lambda: Client(service.url, model="a/../b").versions(),
        lambda: Client(service.url + "/elsewhere").models(),
    ):
        with pytest.raises(numnet.NotFound):
            call()


def test_conflicts_of_versions(start_service: StartService, registry: Registry) -> None:
    service = start_service()
    with Client(service.url, token=ADMIN_TOKEN, retries=0) as client:
        with pytest.raises(numnet.NoModel) as caught:
            client.predict(ROW)
        assert caught.value.retry_after_seconds is not None
        assert isinstance(caught.value, numnet.Unavailable)
        assert not client.status().ready
        publish(registry, small_model(("a", "b")))
        promote(registry, 1)
        with pytest.raises(numnet.NothingBefore):
            client.rollback()
        publish(registry, small_model())
        promote(registry, 2)
        with pytest.raises(numnet.NoIntervals):
            client.predict(ROW, interval=0.9)
        with pytest.raises(numnet.FeaturesDiffer):
            client.rollback()
        assert client.rollback(force=True).undoes == 2
        (service.models / "2.npz").write_bytes(b"broken")
        with pytest.raises(numnet.VersionRefused):
            client.promote(2)
        assert client.versions()[0].refused
        assert isinstance(caught.value, Problem)


def test_conflicts_of_jobs(own: Client) -> None:
    job = own.retrain(samples=100)
    with pytest.raises(numnet.JobActive) as active:
        own.retrain(samples=100)
    assert active.value.job_id == job.id
    assert own.cancel(job).state == "cancelled"
    assert own.cancel(job.id).state == "cancelled"
    with pytest.raises(numnet.InvalidInput):
        own.retrain(samples=1)


def test_a_table_that_is_too_long_is_sent_in_parts(own: Client) -> None:
    rows = [[0.1, 0.2, 0.3, 0.4]] * 1000
    assert len(own.predict(rows)) == 1000
    with pytest.raises(numnet.ContentTooLarge):
        own.predict_csv(b"x1,x2,x3,x4\n" + b"1,2,3,4\n" * 1000)
    with pytest.raises(numnet.ContentTooLarge):
        own.predict([[0.1, 0.2, 0.3, "x" * 3000]])


def test_a_host_that_the_service_does_not_know(
    start_service: StartService, registry: Registry
) -> None:
    service = start_service(settings={"NUMNET_HOSTS": "numnet.example"})
    with Client(service.url) as client, pytest.raises(numnet.MisdirectedRequest):
        client.models()


def test_a_storage_that_is_not_available(start_service: StartService, registry: Registry) -> None:
    serve(registry, small_model())
    service = start_service()
    service.models.rename(service.models.with_name("elsewhere"))
    with Client(service.url, token=ADMIN_TOKEN, retries=0) as client:
        with pytest.raises(numnet.ServiceUnavailable) as caught:
            client.promote(1)
        assert client.predict(ROW).version == "1"
    assert str(Path(service.models)) not in str(caught.value)
