"""A table as a training problem: split, scaled, and with the shape of its network."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from network import Architecture, Array, Model, Rows, Scaling, numbers
from trainer.data.split import Split, split
from trainer.data.table import Table
from trainer.training.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Problem:
    """The rows and the network of a training.

    Attributes
    ----------
    rows : unscaled
    feature_scaling, target_scaling : of the training rows
    feature_range : (2, features), the least and greatest values of the training rows
    """

    table: Table
    rows: Split
    architecture: Architecture
    feature_scaling: Scaling
    target_scaling: Scaling
    feature_range: Array

    @classmethod
    def of(cls, table: Table, recipe: Recipe, rng: np.random.Generator) -> Self:
        """Split a table at random and compute the scaling.

        Raises
        ------
        ArchitectureError
            the recipe's layers are too many or too large.
        """
        rows = split(table, rng)
        X = rows.train.X
        sizes = (len(table.features), *recipe.layers, len(table.targets))
        return cls(
            table=table,
            rows=rows,
            architecture=Architecture(sizes, recipe.activation),
            feature_scaling=Scaling.of(X),
            target_scaling=Scaling.of(rows.train.Y),
            feature_range=np.vstack([X.min(axis=0), X.max(axis=0)]),
        )

    def scaled(self, part: Rows) -> Rows:
        """Scale features and targets, and weights to mean 1."""
        weights = None if part.weights is None else part.weights / part.weights.mean()
        X, Y = self.feature_scaling.apply(part.X), self.target_scaling.apply(part.Y)
        return Rows(X, Y, weights)

    def model(self, theta: Array) -> Model:
        """Return the model with the parameters θ (P,)."""
        return Model(
            architecture=self.architecture,
            theta=theta,
            feature_scaling=self.feature_scaling,
            target_scaling=self.target_scaling,
            columns=numbers(self.table.features),
            targets=self.table.targets,
            feature_range=self.feature_range,
        )
