"""Evaluation on held-out rows: metrics, reports and prediction intervals."""
