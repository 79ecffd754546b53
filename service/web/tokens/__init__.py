"""The tokens of administrators and readers: which requests need one, and limits on guessing."""
