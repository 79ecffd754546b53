"""How good a version is beside simpler models, from its card."""

from typing import Any

from registry import Card, card_object

_ROWS = {
    "out_of_fold": "each of {} rows predicted by networks that did not train on it",
    "test": "{} rows that it was not trained on",
}


def quality_of(card: Card) -> dict[str, Any] | None:
    """Return the errors of a version and of simpler models; None if the card has none.

    Returns
    -------
    rows : in words, the rows of the errors
    count : their number
    models : name, metrics (`rmse`, `mae`, `r2`) and `share`, the RMSE relative to the largest one,
        of the version and of simpler models
    rmse_95 : the ends of the 95 % confidence interval of the version's RMSE; None if unknown
    targets : the metrics by target, if there are several
    """
    metrics = card_object(card, "metrics")
    kind = next((each for each in _ROWS if _is_number(card_object(metrics, each).get("rmse"))), "")
    if not kind:
        return None
    found = card_object(metrics, kind)
    count = found.get("rows", card_object(card, "data", "rows").get(kind))
    models = [{"name": "this version", **_metrics(found)}, *_simpler(found)]
    largest = max(each["rmse"] for each in models) or 1.0
    ends = found.get("rmse_95")
    return {
        "rows": _ROWS[kind].format(count if type(count) is int else "the"),
        "count": count if type(count) is int else None,
        "models": [each | {"share": each["rmse"] / largest} for each in models],
        "rmse_95": ends if isinstance(ends, list) and all(map(_is_number, ends)) else None,
        "targets": {
            name: _metrics(each)
            for name, each in card_object(found, "targets").items()
            if isinstance(each, dict) and _is_number(each.get("rmse"))
        },
    }


def _simpler(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the errors of a linear model and of the mean, as far as they are known."""
    baselines = card_object(found, "baselines")
    known = [
        {"name": words, **_metrics(card_object(baselines, name))}
        for name, words in (("linear", "linear model"), ("mean", "mean"))
        if _is_number(card_object(baselines, name).get("rmse"))
    ]
    r2: Any = found.get("r2")
    if "mean" not in baselines and _is_number(r2) and r2 < 1 and not found.get("targets"):
        # R² = 1 − MSE/variance, and the variance is the squared error of these rows' mean
        known.append({"name": "mean", "rmse": found["rmse"] / (1 - r2) ** 0.5, "r2": 0.0})
    return known


def _metrics(found: dict[str, Any]) -> dict[str, Any]:
    return {key: found[key] for key in ("rmse", "mae", "r2") if _is_number(found.get(key))}


def _is_number(value: Any) -> bool:
    return type(value) in (int, float)
