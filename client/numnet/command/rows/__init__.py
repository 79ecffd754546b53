"""Predictions for the rows of a table file, which is never in memory as a whole."""
