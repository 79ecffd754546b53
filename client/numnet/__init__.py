"""The client of a numnet service, and the `numnet` command."""
