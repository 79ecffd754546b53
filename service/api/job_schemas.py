"""What is told of a retraining job."""

from marshmallow import Schema, fields, validate

from trainer.jobs import STATES


class Asked(Schema):
    """What a job was asked to do, completed by the training of the version in use."""

    data = fields.String(required=True)
    targets = fields.List(fields.String(), required=True)
    features = fields.List(fields.String(), required=True)
    weights = fields.String(required=True, allow_none=True)
    samples = fields.Integer(required=True, allow_none=True)
    recipe = fields.Dict(required=True)
    promote = fields.Boolean(required=True)
    current = fields.Integer(
        required=True, allow_none=True, metadata={"description": "the version in use by then"}
    )


class Loss(Schema):
    """A point of a job's history."""

    epoch = fields.Integer(required=True)
    seconds = fields.Float(required=True)
    train_loss = fields.Float(required=True, allow_none=True)
    validation_loss = fields.Float(required=True, allow_none=True)


class ListedJob(Schema):
    """A retraining job without its history of losses."""

    id = fields.String(required=True)
    state = fields.String(required=True, validate=validate.OneOf(STATES))
    request = fields.Nested(Asked, required=True)
    by = fields.String(required=True, metadata={"description": "who asked for it"})
    created_at = fields.DateTime(required=True)
    started_at = fields.DateTime(required=True, allow_none=True)
    finished_at = fields.DateTime(required=True, allow_none=True)
    note = fields.String(metadata={"description": "what somebody should know who waits in vain"})
    worker = fields.String()
    attempt = fields.Integer(metadata={"description": "which try this is, from 1"})
    phase = fields.String()
    fraction_done = fields.Float(validate=validate.Range(0, 1))
    eta_seconds = fields.Float()
    training_seconds = fields.Float()
    epoch = fields.Integer()
    epochs = fields.Integer(metadata={"description": "the most that it will be"})
    train_loss = fields.Float(allow_none=True)
    loss = fields.Float(allow_none=True, metadata={"description": "on the validation rows"})
    best_loss = fields.Float(allow_none=True)
    decisions = fields.List(fields.String())
    result = fields.Dict(
        metadata={"description": "of a job that is over: version, metrics, the gate's verdict"}
    )
    error = fields.String(metadata={"description": "why it failed"})


class JobDocument(ListedJob):
    """A retraining job."""

    loss_history = fields.List(fields.Nested(Loss))


class JobEvent(JobDocument):
    """A job as an event; those between the first and the last leave the long parts out."""

    request = fields.Nested(Asked)


class JobList(Schema):
    """The newest jobs."""

    jobs = fields.List(fields.Nested(ListedJob), required=True)
