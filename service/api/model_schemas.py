"""The schemas of versions and promotions."""

from marshmallow import INCLUDE, Schema, fields

_LAYERS = {"description": "of a single network: their sizes, from inputs to targets"}
_ACTIVATION = {"description": "of a single network"}
_WARNINGS = {"description": "sentences, if a time limit ended the training or its errors are large"}
_FOLDS = {"description": "of an ensemble: the number of folds of the training rows"}


class PromotionEntry(Schema):
    """An entry of the promotion log."""

    number = fields.Integer(required=True, metadata={"description": "its position in the log"})
    version = fields.String(required=True)
    previous = fields.String(required=True, allow_none=True)
    at = fields.DateTime(required=True)
    by = fields.String(required=True)
    reason = fields.String(required=True)
    sha256 = fields.String(required=True, metadata={"description": "of the version's file"})
    undoes = fields.Integer(
        metadata={"description": "of a rollback: the number of the promotion that it undoes"}
    )


class VersionEntry(Schema):
    """A version in brief. If its file failed verification, it has `refused` instead of a card."""

    version = fields.String(required=True)
    current = fields.Boolean(required=True, metadata={"description": "whether it is in use"})
    created_at = fields.DateTime(allow_none=True)
    features = fields.List(fields.String())
    targets = fields.List(fields.String())
    layers = fields.List(fields.Integer(), metadata=_LAYERS)
    activation = fields.String(metadata=_ACTIVATION)
    folds = fields.Integer(metadata=_FOLDS)
    metrics = fields.Dict(allow_none=True)
    warnings = fields.List(fields.String(), metadata=_WARNINGS)
    job = fields.String(allow_none=True, metadata={"description": "the job that trained it"})
    refused = fields.String(metadata={"description": "why its file failed verification"})


class ModelEntry(Schema):
    """A model in brief."""

    name = fields.String(required=True)
    default = fields.Boolean(
        required=True, metadata={"description": "whether paths without a name mean it"}
    )
    current = fields.String(
        required=True, allow_none=True, metadata={"description": "its newest promotion's version"}
    )


class VersionList(Schema):
    """All versions of a model, and its newest promotions."""

    current = fields.String(
        required=True, allow_none=True, metadata={"description": "the version in use"}
    )
    versions = fields.List(fields.Nested(VersionEntry), required=True)
    promotions = fields.List(fields.Nested(PromotionEntry), required=True)


class ModelList(VersionList):
    """All models, and the versions and newest promotions of the default model."""

    models = fields.List(fields.Nested(ModelEntry), required=True)


class VersionCard(Schema):
    """A version's card; trainers may add more members."""

    class Meta:
        unknown = INCLUDE

    version = fields.String(required=True)
    features = fields.List(fields.String(), required=True)
    targets = fields.List(fields.String(), required=True)
    columns = fields.List(
        fields.Dict(), metadata={"description": "the features: name, kind, values, gaps and format"}
    )
    layers = fields.List(fields.Integer(), metadata=_LAYERS)
    activation = fields.String(metadata=_ACTIVATION)
    folds = fields.Integer(metadata=_FOLDS)
    partitions = fields.Integer(
        metadata={"description": "of an ensemble: how many times the rows were divided into folds"}
    )
    created_at = fields.DateTime()
    recipe = fields.Dict()
    data = fields.Dict()
    metrics = fields.Dict()
    warnings = fields.List(fields.String(), metadata=_WARNINGS)
    test_report = fields.Dict()
    training = fields.Dict()
    libraries = fields.Dict()
    identity = fields.String(
        metadata={"description": "SHA-256 of data, recipe and code, which decide the weights"}
    )
    job = fields.String()
