"""The file of a version: one `.npz` archive of plain arrays, without pickle.

| member | |
|---|---|
| `format` | "numnet/1" for a network, "numnet/2" for an ensemble |
| `target_shift`, `target_scale` | (targets,) float64 |
| `feature_range` | (2, features) float64: smallest and largest value seen in training |
| `input_column`, `input_operation`, `input_shift`, `input_scale`, `input_mean` | the encoding of \
the features; optional for a network |
| `residual_scores` | (n, targets): absolute residuals of rows that the model was not trained on, \
relative to the expected size of their errors, ascending; optional |
| `signed_scores` | the same with their signs; one of the two |
| `familiar_projection`, `familiar_centres`, `familiar_squared_radii` | the balls of \
`network.familiarity.Familiarity`; optional |
| `held_out_rows`, `held_out_actual`, `held_out_predicted`, `held_out_inputs` | rows that the \
model was not trained on, see `held_out`; optional |
| `golden_inputs`, `golden_outputs` | a few rows whose predictions a loader must reproduce |
| `card` | a JSON document as UTF-8 bytes |
| `checksum` | SHA-256 over all other members: names, types, shapes and bytes |

`network_members` and `ensemble_members` list the members that hold the weights.
"""

from registry.card import Card
from registry.model_file.held_out import HeldOut
from registry.model_file.verification import Version, decode, weights_digest
from registry.model_file.writing import encode

__all__ = ["Card", "HeldOut", "Version", "decode", "encode", "weights_digest"]
