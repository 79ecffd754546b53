"""Scheduled retraining: a job for each model at each time of its cron expression."""
