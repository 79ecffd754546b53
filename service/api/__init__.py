"""numnet's own endpoints, one blueprint per file."""
