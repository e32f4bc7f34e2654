"""Model card: writing evaluation results into the JSON file of the weights and its page."""
