"""First-order methods: mini-batches, learning-rate schedules and update rules."""
