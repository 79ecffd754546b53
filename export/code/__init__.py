"""A graph as source code: what C, JavaScript and SQL have in common."""
