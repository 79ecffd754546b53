"""Versions in memory, validation of rows, and the predict step of all protocols."""
