"""Network architectures and what changes them for export."""
