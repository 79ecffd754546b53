"""The REST microservice: predictions and versions over HTTP."""

VERSION = "0.1.0"
