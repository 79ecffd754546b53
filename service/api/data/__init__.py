"""`/data`: the tables that jobs may train from."""

from service.api.data.endpoints import blueprint

__all__ = ["blueprint"]
