"""Metrics, reports and prediction intervals from held-out rows."""
