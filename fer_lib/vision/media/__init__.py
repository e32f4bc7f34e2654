"""Photos and videos: decoding, encoding, overlays."""
