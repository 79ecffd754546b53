"""The training of a published version, in the form of a job's progress."""

from typing import Any

from export.report.evaluation import evaluate_version
from registry import Card, card_object


def training_of(card: Card) -> dict[str, Any]:
    """Return a training's members of a job's document, as far as the card has them.

    Returns
    -------
    members : `decisions`, `epoch`, `training_seconds`, `best_loss`, `of_kinds` (whether the losses
        are of several kinds of networks), and `loss_history`, one curve after the other
    """
    training = card_object(card, "training")
    curves = evaluate_version(card, None).losses
    if not curves:
        return {}
    history = [
        {"name": curve.name, "epoch": epoch, "train_loss": train, "validation_loss": validation}
        for curve in curves
        for epoch, train, validation in zip(
            curve.epochs, curve.train, curve.validation, strict=True
        )
    ]
    known = {
        "decisions": training.get("decisions"),
        "epoch": training.get("epochs"),
        "training_seconds": training.get("seconds"),
    }
    expected = {"decisions": list, "epoch": int, "training_seconds": float}
    return {
        **{name: value for name, value in known.items() if type(value) is expected[name]},
        "epochs": None,
        "eta_seconds": None,
        "best_loss": _best_loss(training, [loss for curve in curves for loss in curve.validation]),
        "of_kinds": len(curves) > 1,
        "loss_history": history,
    }


def _best_loss(training: dict[str, Any], losses: list[float]) -> float:
    """Return the best loss; the history of one network is thinned, but each entry has it."""
    history = training.get("history")
    last = history[-1].get("best_loss") if isinstance(history, list) and history else None
    return last if type(last) is float else min(losses)
