"""Makes the README's pictures from a running installation: `make pictures`."""
