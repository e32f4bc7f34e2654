"""The emotions, their order and their colours.

The order is alphabetical and never changes: it is the order of the network's outputs, of every
`probabilities` column and of the folders that training data comes in.
"""

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")

# Okabe and Ito's palette (2008), which the common kinds of colour blindness can tell apart.
EMOTION_COLORS: dict[str, str] = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#E69F00",
    "neutral": "#8C8C8C",
    "sad": "#0072B2",
    "surprise": "#56B4E9",
}


def label_index(label: str) -> int:
    """Return the place of `label` in `EMOTIONS`.

    Raises:
        ValueError: if it is not one of the seven labels.
    """
    try:
        return EMOTIONS.index(label)
    except ValueError:
        raise ValueError(f"`label` must be one of {', '.join(EMOTIONS)}, but got {label!r}") from None
