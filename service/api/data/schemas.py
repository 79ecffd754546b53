"""The schemas of tables."""

from marshmallow import Schema, fields, validate

from service.openapi.contract import JsonSchemaField

ROLES = ("target", "feature", "weights", "left out")
KINDS = ("number", "category", "boolean", "datetime")


class StoredTable(Schema):
    """A table in the data folder."""

    name = fields.String(required=True, metadata={"description": "`data` of `POST /retrain`"})
    bytes = fields.Integer(required=True)
    modified_at = fields.DateTime(required=True)


class TableList(Schema):
    """The tables in the data folder."""

    tables = fields.List(fields.Nested(StoredTable), required=True)


class TableColumn(Schema):
    """What a training would understand of a column."""

    name = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    kind = fields.String(validate=validate.OneOf(KINDS))
    missing = fields.Integer(metadata={"description": "how many cells"})
    minimum = JsonSchemaField(
        {"type": ["number", "string"]}, metadata={"description": "a text if it is a date"}
    )
    maximum = JsonSchemaField(
        {"type": ["number", "string"]}, metadata={"description": "a text if it is a date"}
    )
    values = fields.List(
        fields.String(), metadata={"description": "of a category or boolean, at most 20"}
    )
    different = fields.Integer(metadata={"description": "the number of all its values"})
    note = fields.String(metadata={"description": "what was assumed of its cells"})
    why = fields.String(metadata={"description": "why it is left out"})


class TableReport(Schema):
    """What a training would understand of a table."""

    name = fields.String(required=True)
    format = fields.String(required=True, metadata={"description": "with delimiter and encoding"})
    rows = fields.Integer(required=True, metadata={"description": "that a training would use"})
    targets = fields.List(fields.String(), required=True)
    targets_proposed = fields.Boolean(
        required=True, metadata={"description": "whether the request named no targets"}
    )
    columns = fields.List(fields.Nested(TableColumn), required=True)
    notes = fields.List(
        fields.String(), required=True, metadata={"description": "lines left out, and warnings"}
    )
    names = fields.List(
        fields.String(), required=True, metadata={"description": "of all columns of the file"}
    )
    first_rows = fields.List(
        fields.List(fields.String()), required=True, metadata={"description": "of all columns"}
    )
    bytes = fields.Integer(metadata={"description": "of the stored table"})
    modified_at = fields.DateTime()
