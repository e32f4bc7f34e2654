"""Many trainings as Ray tasks."""
