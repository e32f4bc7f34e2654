"""Emotion labels, their order and their colours.

The order is alphabetical and fixed: it is the order of the outputs of the network, of the columns of `probabilities`
and of the class folders of training data.
"""

EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")

# Palette of Okabe and Ito (2008), distinguishable with the common kinds of colour blindness.
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
    """Return the index of `label` in `EMOTIONS`.

    Raises:
        ValueError: if it is not one of `EMOTIONS`.
    """
    try:
        return EMOTIONS.index(label)
    except ValueError:
        raise ValueError(f"`label` must be one of {', '.join(EMOTIONS)}, but got {label!r}") from None
