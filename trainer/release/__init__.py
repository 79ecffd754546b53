"""Whether a published version is promoted."""
