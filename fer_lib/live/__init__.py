"""What the visitor meets: the only room that imports ipywidgets, anywidget and ipywebrtc."""
