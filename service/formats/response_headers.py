"""Response headers for formats that have no room for the version and the rows out of range."""

from service.model.prediction import Prediction


def response_headers(prediction: Prediction) -> dict[str, str]:
    """Return the version's number, and the numbers of rows with inputs that training had not.

    `X-Unseen-Rows` is left out if it is 0, and `X-Unfamiliar-Rows` if the version cannot tell.
    """
    headers = {
        "X-Model-Version": prediction.version.number,
        "X-Extrapolating-Rows": str(prediction.extrapolating_rows),
    }
    if prediction.unseen is not None:
        headers["X-Unseen-Rows"] = str(prediction.unseen_rows)
    if prediction.unfamiliar is not None:
        headers["X-Unfamiliar-Rows"] = str(prediction.unfamiliar_rows)
    return headers
