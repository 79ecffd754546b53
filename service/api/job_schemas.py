"""The schemas of retraining jobs."""

from marshmallow import Schema, fields, validate

from trainer.jobs import MISSING, STATES


class JobRequest(Schema):
    """What to train; options that were omitted are the current version's."""

    data = fields.String(required=True)
    targets = fields.List(fields.String(), required=True)
    features = fields.List(fields.String(), required=True)
    weights = fields.String(required=True, allow_none=True)
    encoding = fields.String(allow_none=True)
    categories = fields.List(fields.String())
    missing = fields.String(validate=validate.OneOf(MISSING))
    samples = fields.Integer(required=True, allow_none=True)
    recipe = fields.Dict(required=True)
    promote = fields.Boolean(required=True)
    force = fields.Boolean(
        metadata={"description": "train although data, recipe and code are the current version's"}
    )
    current = fields.Integer(
        required=True, allow_none=True, metadata={"description": "the current version at that time"}
    )
    model = fields.String(
        allow_none=True, metadata={"description": "null or missing: the default model"}
    )


class Loss(Schema):
    """A point of the loss history."""

    epoch = fields.Integer(required=True)
    seconds = fields.Float(required=True)
    train_loss = fields.Float(required=True, allow_none=True)
    validation_loss = fields.Float(required=True, allow_none=True)


class ListedJob(Schema):
    """A retraining job without its loss history."""

    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    model = fields.String(required=True, metadata={"description": "the model that it trains"})
    request = fields.Nested(JobRequest, required=True)
    by = fields.String(
        required=True,
        metadata={"description": "the endpoint or schedule that submitted it"},
    )
    created_at = fields.DateTime(required=True)
    started_at = fields.DateTime(required=True, allow_none=True)
    finished_at = fields.DateTime(required=True, allow_none=True)
    note = fields.String(metadata={"description": "why the job does not make progress"})
    worker = fields.String()
    attempt = fields.Integer(metadata={"description": "the number of the attempt, from 1"})
    phase = fields.String()
    fraction_done = fields.Float(validate=validate.Range(0, 1))
    eta_seconds = fields.Float()
    training_seconds = fields.Float()
    epoch = fields.Integer()
    epochs = fields.Integer(metadata={"description": "the maximum"})
    train_loss = fields.Float(allow_none=True)
    loss = fields.Float(allow_none=True, metadata={"description": "on the validation rows"})
    best_loss = fields.Float(allow_none=True)
    decisions = fields.List(fields.String())
    result = fields.Dict(
        metadata={"description": "of a finished job: version, metrics, the gate's verdict"}
    )
    error = fields.String(
        metadata={
            "description": "why it failed; the texts of cells are shown with the admin token alone"
        }
    )


class JobDocument(ListedJob):
    """A retraining job."""

    loss_history = fields.List(fields.Nested(Loss))


class JobEvent(JobDocument):
    """A job as an event; only the first and the last event of a stream have the long members."""

    request = fields.Nested(JobRequest)


class JobList(Schema):
    """The newest jobs."""

    jobs = fields.List(fields.Nested(ListedJob), required=True)
