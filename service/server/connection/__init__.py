"""One connection: HTTP/1.1, from bytes to requests and back."""
