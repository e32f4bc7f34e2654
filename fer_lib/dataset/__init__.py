"""Image folders and FER2013 files as arrays: splits, cache, near duplicates, FER+ votes, statistics."""
