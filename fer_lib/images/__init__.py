"""Bytes become pixels, or a refusal: the one place where files of pictures are judged and opened."""
