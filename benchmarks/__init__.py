"""What "fast" means here, measured on the spot."""
