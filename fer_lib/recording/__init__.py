"""Recordings of faces as data: write frame by frame, read as a table, and summarize by face and emotion."""

from fer_lib.recording.columns import COLUMNS
from fer_lib.recording.durations import Tally
from fer_lib.recording.reading import read_recording, summarize
from fer_lib.recording.writing import CsvRecorder, JsonRecorder, open_recording

__all__ = ["COLUMNS", "CsvRecorder", "JsonRecorder", "Tally", "open_recording", "read_recording", "summarize"]
