"""A verified version in memory."""

from dataclasses import dataclass, field
from functools import cached_property

from network import Calibration, Explainer, Predictor
from registry import Card, Promotion, Version, card_object
from registry.card import unpack
from service.model.rows.reader import RowReader

COPIES = 2  # of the arrays in a file, in two layouts or precisions
FIXED_BYTES = 28 * 1024  # of a version without arrays


@dataclass(frozen=True, eq=False)
class LoadedVersion:
    """A verified version, ready to answer requests.

    Attributes
    ----------
    number : the version's number, as responses show it
    reader : validates rows for the model
    packed_card : as `registry.card.pack` returns it
    calibration : for prediction intervals; None if the version was published without
    promotion : the promotion that made it current; None if it was loaded by its number
    memory_bytes : about how much memory it takes
    """

    number: str
    reader: RowReader
    packed_card: bytes = field(repr=False)
    calibration: Calibration | None = None
    promotion: Promotion | None = None
    memory_bytes: int = 0

    @classmethod
    def from_file(
        cls,
        number: int,
        file: Version,
        promotion: Promotion | None = None,
        *,
        refuse_unseen: bool = False,
    ) -> "LoadedVersion":
        """Return the version that a verified file contains.

        Parameters
        ----------
        refuse_unseen : whether it refuses categories that training had not
        """
        others = _other_columns(file.card)
        reader = RowReader(file.model, refuse_unseen=refuse_unseen, others=others)
        card = file.packed_card
        size = COPIES * file.array_bytes + len(card) + FIXED_BYTES
        return cls(str(number), reader, card, file.calibration, promotion, size)

    @property
    def model(self) -> Predictor:
        """The trained model."""
        return self.reader.model

    @property
    def card(self) -> Card:
        """The version's card, a new copy."""
        return unpack(self.packed_card)

    @cached_property
    def explainer(self) -> Explainer:
        """Explains the model's predictions; made when it is first needed."""
        return Explainer(self.model)


def _other_columns(card: Card) -> list[str]:
    """Return the columns of the training table that are no features, as the card has them."""
    left_out = card_object(card, "data", "reading").get("left_out")
    columns = left_out if type(left_out) is list else []
    names = [each.get("column") for each in columns if isinstance(each, dict)]
    weights = card_object(card, "data").get("weights")
    return [
        *card["targets"],
        *(name for name in [*names, weights] if type(name) is str and name),
    ]
