"""How good a version is: as numbers, and as a report to read."""
