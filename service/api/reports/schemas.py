"""The JSON Schema of a version's evaluation."""

from service.openapi.contract import JsonSchema
from service.openapi.json_schema import NUMBER, TEXT, WHOLE, array, closed, or_null


def _by_target(item: JsonSchema) -> JsonSchema:
    return {"type": "object", "additionalProperties": item}


def _described(schema: JsonSchema, description: str) -> JsonSchema:
    return {**schema, "description": description}


_LOSSES = closed(
    {
        "name": _described(TEXT, "of an ensemble's kind of networks; empty for one network"),
        "epochs": array({"type": "integer"}),
        "train": array(NUMBER),
        "validation": _described(
            array(NUMBER), "on rows that were not trained on; the units are those of scaled targets"
        ),
        "best_epoch": or_null({"type": "integer"}),
    }
)
_PAIRS = closed({"actual": array(NUMBER), "predicted": array(NUMBER)})
_COVERAGE = closed({"levels": array(NUMBER), "shares": array(NUMBER)})

EVALUATION = closed(
    {
        "version": TEXT,
        "targets": array(TEXT),
        "judged_on": _described(
            or_null({"type": "string", "enum": ["test", "out_of_fold"]}),
            "`test`: rows kept apart; `out_of_fold`: training rows, each predicted by networks "
            "that have not seen it; null if it is unknown",
        ),
        "judged_rows": or_null(WHOLE),
        "metrics": _described({"type": "object"}, "on these rows, as in the card"),
        "losses": _described(array(_LOSSES), "the course of the training, thinned"),
        "rows": _described(
            array({"type": "integer"}),
            "positions in the table of the rows of `pairs`, from 0; empty if they are unknown",
        ),
        "pairs": _described(
            _by_target(_PAIRS), "up to 1,000 of the rows; of versions of earlier releases up to 200"
        ),
        "coverage": _described(
            _by_target(_COVERAGE), "the share of rows within their intervals, by the level"
        ),
        "importance": _described(
            _by_target({"type": "object", "additionalProperties": NUMBER}),
            "how much the error grows if the values of a feature are permuted",
        ),
    }
)
