"""Validate and decode untrusted image files: JPEG, PNG, WebP, TIFF and BMP."""
