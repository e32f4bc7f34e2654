"""The model card: what an evaluation writes into the JSON file and its page."""
