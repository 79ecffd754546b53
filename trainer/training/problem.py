"""A table as a training problem: split, scaled, and with the shape of its network."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from network import Architecture, Array, Encoding, Model, Rows, Scaling, ranges
from trainer.data.input_encoding import fit_encoding
from trainer.data.split import TEST_FRACTION, Split, split
from trainer.data.table import Table
from trainer.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Problem:
    """The rows and the network of a training.

    Attributes
    ----------
    rows : unscaled
    encoding : of the features; None if all of them are numbers without gaps
    feature_scaling, target_scaling : of the inputs and the targets of the training rows
    feature_range : (2, features), the least and greatest values of the training rows
    """

    table: Table
    recipe: Recipe
    rows: Split
    architecture: Architecture
    encoding: Encoding | None
    feature_scaling: Scaling
    target_scaling: Scaling
    feature_range: Array

    @classmethod
    def of(
        cls,
        table: Table,
        recipe: Recipe,
        rng: np.random.Generator,
        most_training_rows: int | None = None,
    ) -> Self:
        """Split a table at random and compute the scaling.

        Raises
        ------
        ArchitectureError
            the recipe's layers are too many or too large.
        """
        rows = split(table, rng, recipe.test_fraction or TEST_FRACTION, most_training_rows)
        X = rows.train.X
        encoding = None if table.is_plain else fit_encoding(table.columns, X)
        inputs = X if encoding is None else encoding.encode(X)
        sizes = (inputs.shape[1], *recipe.layers, len(table.targets))
        return cls(
            table=table,
            recipe=recipe,
            rows=rows,
            architecture=Architecture(sizes, recipe.activation),
            encoding=encoding,
            feature_scaling=Scaling.of(inputs),
            target_scaling=Scaling.of(rows.train.Y, robust=recipe.make_loss().robust),
            feature_range=ranges(table.columns, X),
        )

    def scaled(self, part: Rows) -> Rows:
        """Scale features and targets, and weights to mean 1."""
        weights = None if part.weights is None else part.weights / part.weights.mean()
        inputs = part.X if self.encoding is None else self.encoding.encode(part.X)
        X, Y = self.feature_scaling.apply(inputs), self.target_scaling.apply(part.Y)
        return Rows(X, Y, weights)

    def model(self, theta: Array) -> Model:
        """Return the model with the parameters θ (P,)."""
        return Model(
            architecture=self.architecture,
            theta=theta,
            feature_scaling=self.feature_scaling,
            target_scaling=self.target_scaling,
            columns=self.table.columns,
            targets=self.table.targets,
            feature_range=self.feature_range,
            encoding=self.encoding,
        )
