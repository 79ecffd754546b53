"""Release of a published version: judge it, and promote it or keep it back."""
