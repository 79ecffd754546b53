"""Tables of rows in request and response bodies, one media type per file."""
