"""Rows and predictions in request and response bodies, one media type per file."""
