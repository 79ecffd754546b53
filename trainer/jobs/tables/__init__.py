"""The data folder: its tables, and what a training would understand of one."""
