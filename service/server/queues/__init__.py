"""Where requests wait: for a thread, and for their turn if their bodies are long."""
