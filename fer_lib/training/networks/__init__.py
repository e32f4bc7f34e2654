"""Network architectures and their rewriting for export."""
