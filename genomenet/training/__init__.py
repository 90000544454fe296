"""Lightning module and data module, optimiser, schedules, checkpoints, runs."""
