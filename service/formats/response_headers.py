"""Response headers for formats that have no room for the version and the rows out of range."""

from service.model.prediction import Prediction


def response_headers(prediction: Prediction) -> dict[str, str]:
    """Return the version's number, and the number of rows with an input out of range."""
    return {
        "X-Model-Version": prediction.version.number,
        "X-Extrapolating-Rows": str(prediction.extrapolating_rows),
    }
