"""Computes the predictions of a document by what it says. It imports nothing of numnet."""

import math
from datetime import UTC, datetime
from itertools import chain
from operator import mul
from typing import Any

NAMES = {name: getattr(math, name) for name in ("exp", "sqrt", "sin", "cos", "tanh", "pi")}


def predict(document: Any, row: dict[str, Any]) -> dict[str, list[float]]:
    lists = {"": [number(each, row[each["name"]]) for each in document["features"]]}
    for step in document["steps"]:
        v = [lists[name] for name in step["from"]] or [lists[""]]
        lists[step["name"]] = list(RULES[step["operation"]](step, *v))
        assert len(lists[step["name"]]) == step["numbers"]
    return {output: lists[name] for output, name in document["outputs"].items()}


def number(feature: Any, cell: Any) -> float:
    if cell is None or not isinstance(cell, str):
        return math.nan if cell is None else float(cell)
    if feature["kind"] != "datetime":
        return feature["values"].index(cell) if cell in feature["values"] else -1
    form = feature["date_format"].replace("ISO 8601", "%Y-%m-%d")
    return datetime.strptime(cell, form).replace(tzinfo=UTC).timestamp() / 86400


def value(formula: str, **names: float) -> float:
    formula, _, where = formula.partition(" with s = ")
    names["s"] = value(where, **names) if where else math.nan
    return float(eval(formula, NAMES | {"max": max, "round": round} | names))  # ours


def encoded(each: Any, c: float) -> float:
    if each["value"].startswith("1 if "):
        is_true = math.isnan(c) if "NaN" in each["value"] else c == each["shift"]
        return is_true - float(each["mean"])
    t = (c - each["shift"]) / each["scale"]
    return 0.0 if math.isnan(c) else value(each["value"], t=t) - each["mean"]


def affine(v: Any, weights: Any, bias: Any) -> list[float]:
    columns = zip(*weights, strict=True)
    return [b + sum(map(mul, v, w)) for b, w in zip(bias, columns, strict=True)]


def clipped(x: float, least: float | None, greatest: float | None) -> float:
    x = x if least is None else max(x, least)
    return x if greatest is None else min(x, greatest)


def square(x: float, centre: float, length: float) -> float:
    return float(((x - centre) / length) ** 2)


RULES: dict[str, Any] = {
    "cells": lambda step, v: v,
    "encode": lambda step, v: [encoded(each, v[each["column"]]) for each in step["inputs"]],
    "scale": lambda step, v: [
        (x - a) / b for x, a, b in zip(v, step["shift"], step["scale"], strict=True)
    ],
    "unscale": lambda step, v: [
        x * b + a for x, a, b in zip(v, step["shift"], step["scale"], strict=True)
    ],
    "clip": lambda step, v: map(clipped, v, step["least"], step["greatest"]),
    "affine": lambda step, v: affine(v, step["weights"], step["bias"]),
    "blocks": lambda step, v: [
        y
        for m, weights in enumerate(step["weights"])
        for size in [len(weights)]
        for part in [slice(m * size, (m + 1) * size)]
        for y in affine(v[part], weights, step["bias"][part])
    ],
    "activate": lambda step, v: [value(step["function"], v=x) for x in v],
    "ramp": lambda step, v: [
        clipped((v[column] - start) / size, 0.0, 1.0) - 0.5
        for column, start, size in zip(step["column"], step["start"], step["size"], strict=True)
    ],
    "kernel": lambda step, v: [
        value(step["function"], d2=sum(map(square, v, row, step["lengths"])))
        for row in step["centres"]
    ],
    "join": lambda step, *parts: chain(*parts),
    "add": lambda step, *parts: map(sum, zip(*parts, strict=True)),
}
