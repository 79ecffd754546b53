"""The cells of one column: which kind they are, and their numbers."""
