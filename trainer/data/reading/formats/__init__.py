"""The formats of files: each one a source of rows."""
