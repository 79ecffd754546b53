"""A version in other forms: files for other programs, and a report for people."""
