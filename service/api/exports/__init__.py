"""Versions in other forms, for programs without numnet."""
