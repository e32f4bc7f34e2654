"""Read recordings as pandas tables; pandas is imported on the first call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fer_lib.labels import EMOTIONS
from fer_lib.recording.columns import BOX, COLUMNS, RAW, SMOOTH, FaceRecord, flatten
from fer_lib.recording.durations import Tally
from fer_lib.recording.writing import FORMAT, check_suffix

MAX_TIME_S = 1e10  # some 300 years
# Names in recordings of version 1 and their present ones.
VERSION_1_NAMES = {"track": "track_id", "box": "xyxy", "raw": "raw_probabilities", "smooth": "probabilities"}

if TYPE_CHECKING:
    import pandas as pd

DTYPES = {"frame": "Int64", "track_id": "Int64", "label": "object"} | dict.fromkeys(
    ("time_s", *BOX, "confidence", *RAW, *SMOOTH), "float64"
)


def read_recording(path: Path | str) -> pd.DataFrame:
    """Read a recording, CSV or JSON, as a table of `COLUMNS`.

    A frame without faces is a row without `track_id`: `table.dropna(subset="track_id")` removes these rows. Recordings
    of older versions, with a column `track`, are read too.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if the file is not a recording.
        ModuleNotFoundError: if pandas is missing, with the command that installs it.
    """
    pandas, path = _import_pandas(), Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"the recording {path} must exist, but there is no such file")
    read = _read_csv if check_suffix(path) == ".csv" else _read_json
    try:
        table = read(path, pandas)[list(COLUMNS)].astype(DTYPES)
        _validate(table)
    except RecursionError:
        raise ValueError(f"{path} must be a recording, but its JSON is nested too deeply") from None
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{path} must be a recording, but it can't be read as one ({error})") from None
    return table


def summarize(table: pd.DataFrame) -> pd.DataFrame:
    """Return how long each face was in view and the share of that time by emotion.

    Args:
        table: as `read_recording` returns it.

    Returns:
        One row per face, indexed by `track_id`: `seen_s`, then one column per emotion; no rows without faces.
    """
    tally = Tally()
    for _, rows in table.groupby("frame", sort=False):
        seen = rows.dropna(subset="track_id")
        tally.add_labels(float(rows["time_s"].iloc[0]), dict(zip(seen["track_id"], seen["label"], strict=True)))
    columns = ["track_id", "seen_s", *(name.removeprefix("raw_") for name in RAW)]
    return _import_pandas().DataFrame(tally.by_face(), columns=columns).set_index("track_id")


def _validate(table: Any) -> None:
    """Check that times are finite and labels are emotions; summaries and plots rely on both."""
    if not table["time_s"].between(-MAX_TIME_S, MAX_TIME_S).all():
        raise ValueError(f"every `time_s` must be a number of seconds from -{MAX_TIME_S:.0e} to {MAX_TIME_S:.0e}")
    seen = table.dropna(subset="track_id")
    unknown = seen.loc[~seen["label"].isin(EMOTIONS), "label"]
    if len(unknown):
        raise ValueError(
            f"every `label` must be one of {', '.join(EMOTIONS)}, but one is {str(unknown.iloc[0])[:40]!r}"
        )


def _read_csv(path: Path, pandas: Any) -> Any:
    table = pandas.read_csv(path).rename(columns=VERSION_1_NAMES)
    if list(table.columns) != list(COLUMNS):
        raise ValueError(f"its first line must be {','.join(COLUMNS)}")
    return table


def _read_json(path: Path, pandas: Any) -> Any:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f'it must be an object whose `format` is "{FORMAT}"')
    rows = [
        row
        for frame in content["frames"]
        for row in flatten(frame["time_s"], frame["frame"], [_rename(face) for face in frame["faces"]])
    ]
    return pandas.DataFrame(rows, columns=list(COLUMNS))


def _rename(face: FaceRecord) -> FaceRecord:
    return {VERSION_1_NAMES.get(name, name): value for name, value in face.items()}


def _import_pandas() -> Any:
    try:
        import pandas
    except ModuleNotFoundError:
        raise ModuleNotFoundError(
            "reading a recording needs pandas, which this environment lacks; `pip install pandas` installs it"
        ) from None
    return pandas
