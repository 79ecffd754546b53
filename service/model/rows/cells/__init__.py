"""The cells of each kind of column in requests: which are valid, and their numbers in X."""
