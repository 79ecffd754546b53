"""The REST microservice: predictions and versions over HTTP."""
