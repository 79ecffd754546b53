"""All server processes give the same models labels of their own."""

import json
import os
import random
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.model_names import is_model_name
from service.telemetry.model_labels import MOST_MODELS, ModelLabels, model_of, own_label

NAMES = [f"m{number}" for number in range(2 * MOST_MODELS)]


def test_models_beyond_the_first_100_have_the_label_other() -> None:
    labels = ModelLabels()
    given = [labels.label(name) for name in NAMES]
    assert given == [*NAMES[:MOST_MODELS], *["other"] * MOST_MODELS]
    assert [labels.label(name) for name in NAMES] == given
    assert labels.models() == {*NAMES[:MOST_MODELS]}


def test_model_named_other_has_a_label_that_is_no_name() -> None:
    labels = ModelLabels()
    own = labels.label("other")
    assert own == "other (model)"
    assert not is_model_name(own)
    for name in NAMES:
        labels.label(name)
    assert labels.label(NAMES[-1]) == "other"
    assert labels.label("other") == own
    assert (model_of(own), model_of("other")) == ("other", None)


@given(st.text(st.sampled_from("other"), min_size=1, max_size=7))
def test_model_is_found_by_its_label(name: str) -> None:
    assert model_of(own_label(name)) == name


def met_in_process(labels: ModelLabels, seed: int, start: int) -> tuple[int, int]:
    """Fork a process that meets all models in an order of its own, once the pipe `start` closes.

    Return its id, and the pipe that it writes the labels to.
    """
    answer, written = os.pipe()
    process = os.fork()
    if not process:
        try:
            names = random.Random(seed).sample(NAMES, len(NAMES))
            os.read(start, 1)
            found = {name: labels.label(name) for name in names}
            os.write(written, json.dumps(found).encode())
        finally:
            os._exit(0)
    os.close(written)
    return process, answer


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_processes_that_meet_new_models_at_the_same_moment_agree() -> None:
    labels = ModelLabels()
    assert labels.label("default") == "default"
    start, starter = os.pipe()
    started = [met_in_process(labels, seed, start) for seed in range(4)]
    os.write(starter, bytes(len(started)))
    for each in (start, starter):
        os.close(each)
    answers = []
    for process, answer in started:
        with os.fdopen(answer, "rb") as pipe:
            answers.append(json.loads(pipe.read()))
        os.waitpid(process, 0)
    assert answers == [answers[0]] * 4
    own = {name for name, label in answers[0].items() if label != "other"}
    assert len(own) == MOST_MODELS - 1
    assert labels.models() == own | {"default"}
    assert {name: labels.label(name) for name in NAMES} == answers[0]


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_process_killed_while_it_writes_a_name_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    labels = ModelLabels()
    labels.label("pump")
    pwrite = os.pwrite

    def cut(file: int, content: bytes, offset: int) -> int:
        pwrite(file, content[:-1], offset)
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    process = os.fork()
    if not process:
        monkeypatch.setattr(os, "pwrite", cut)
        labels.label("a-long-name")
        os._exit(1)
    _, status = os.waitpid(process, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    assert labels.models() == {"pump"}
    assert labels.label("fan") == "fan"
    assert labels.models() == {"pump", "fan"}
    assert labels.label("valve") == "valve"
    assert labels.models() == {"pump", "fan", "valve"}
