"""Run folders: settings, metrics, recipes, comparison."""
