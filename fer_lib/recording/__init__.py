"""What was seen, as data instead of pictures: written frame by frame, read back as a table, summed up."""

from fer_lib.recording.columns import COLUMNS
from fer_lib.recording.reading import read_recording, summarize
from fer_lib.recording.tally import Tally
from fer_lib.recording.writing import CsvRecorder, JsonRecorder, open_recording

__all__ = ["COLUMNS", "CsvRecorder", "JsonRecorder", "Tally", "open_recording", "read_recording", "summarize"]
