"""The versions in use, and what a request asks of them."""
