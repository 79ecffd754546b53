"""Reports on versions: figures, and one HTML file that opens anywhere."""
