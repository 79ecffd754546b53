"""The pictures of `numnet show --plot`."""

from typing import Any

import pytest

from numnet.command.commands.pictures import print_pictures


def evaluation(**parts: Any) -> dict[str, Any]:
    return {"losses": [], "pairs": {}} | parts


def curve(name: str) -> dict[str, Any]:
    return {"name": name, "epochs": [1, 2], "train": [1.0, 0.1], "validation": [1.0, 0.2]}


def test_each_kind_of_an_ensembles_networks_has_a_chart(capsys: pytest.CaptureFixture[str]) -> None:
    print_pictures(evaluation(losses=[curve("plain"), curve("piecewise-linear")]))
    out = capsys.readouterr().out
    assert "rows of plain networks, logarithmic (at the end 0.1, 0.2)" in out
    assert "rows of piecewise-linear networks" in out


def test_residuals_are_predicted_minus_actual(capsys: pytest.CaptureFixture[str]) -> None:
    print_pictures(evaluation(pairs={"y": {"actual": [1.0, 2.0], "predicted": [1.5, 2.0]}}))
    lines = capsys.readouterr().out.splitlines()
    title = lines.index("y: residuals, predicted − actual")
    assert lines[-1].split() == ["0", "0.5"]
    assert any("█" in line or "#" in line for line in lines[title:])


@pytest.mark.parametrize(
    ("actual", "predicted"),
    [([1.0], [1.0]), ([2.0, 2.0], [2.0, 2.0]), ([1e308, -1e308], [-1e308, 1e308])],
    ids=["one row", "exact", "huge"],
)
def test_odd_pairs_are_drawn(
    capsys: pytest.CaptureFixture[str], actual: list[float], predicted: list[float]
) -> None:
    print_pictures(evaluation(pairs={"y": {"actual": actual, "predicted": predicted}}))
    assert "y: residuals" in capsys.readouterr().out


def test_nothing_to_draw_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    print_pictures(evaluation())
    assert capsys.readouterr().out == "\nthe version has nothing to draw\n"
