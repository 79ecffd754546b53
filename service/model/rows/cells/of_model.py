"""The cells of a model's features."""

from network import Column, Predictor
from service.model.rows.cells.cell import Cell
from service.model.rows.cells.date import DateCell
from service.model.rows.cells.listed import BooleanCell, CategoryCell
from service.model.rows.cells.number import NumberCell

NO_GAPS = "; training had no missing cells there"


def cells_of(model: Predictor, *, refuse_unseen: bool) -> list[Cell]:
    """Return the cells of a model's features, in order.

    Parameters
    ----------
    refuse_unseen : whether categories that training had not are not valid
    """
    no_gaps = "" if has_only_numbers(model) else NO_GAPS
    return [
        _cell(column, least, greatest, refuse_unseen, "" if column.has_gaps else no_gaps)
        for column, (least, greatest) in zip(
            model.columns, model.feature_range.T.tolist(), strict=True
        )
    ]


def has_only_numbers(model: Predictor) -> bool:
    """Return whether all features are numbers without gaps."""
    return all(each.kind == "number" and not each.has_gaps for each in model.columns)


def _cell(column: Column, least: float, greatest: float, refuse: bool, no_gaps: str) -> Cell:
    match column.kind:
        case "category":
            return CategoryCell(column, refuse, no_gaps)
        case "boolean":
            return BooleanCell(column, no_gaps)
        case "datetime":
            return DateCell(column, least, greatest, no_gaps)
    return NumberCell(column, least, greatest, no_gaps)
