// Generated from Python by .ci/page_constants.py; do not edit.

const PAGE_MESSAGES = [
  "frame",
  "state",
  "stats",
  "record",
  "delete_recording",
  "download",
  "adjust",
  "calibrate",
  "diagnose",
  "demo"
];
const KERNEL_MESSAGES = [
  "faces",
  "skipped",
  "loading",
  "broken",
  "update",
  "recording",
  "file",
  "calibration",
  "diagnostics",
  "demo",
  "refused",
  "start",
  "stop"
];
const STATES = {
  "ready": "Press Start and allow the camera.",
  "waiting": "Waiting for your permission: the browser asks whether this page may use the camera.",
  "opening": "Opening …",
  "loading": "Loading the networks …",
  "running": "Live. Faces in view: {faces}.",
  "no-face": "No face in view. Move closer to the camera, or turn on a light.",
  "no-reply": "No reply: the connection or the server is slow. The page keeps trying.",
  "paused": "Paused while this page is hidden.",
  "stopped": "Stopped. The camera is off.",
  "refused": "The camera was refused. Allow it for this page in the browser's address bar, then press Start.",
  "unreadable": "This file can't be shown. {detail}",
  "no-camera": "No camera was found. Connect one, then press Start.",
  "in-use": "The camera is in use by another program. Close that program, then press Start.",
  "insecure": "Browsers allow the camera on secure pages only. Open this page over https or on localhost.",
  "disconnected": "The camera was disconnected. Connect it again, then press Start.",
  "kernel-ended": "The kernel of this page has ended, so the camera was switched off. Reload the page, or run the notebook again.",
  "offline": "The connection to the server is lost, so the camera was switched off. The page keeps trying to reconnect.",
  "reconnected": "The connection to the server is restored. Press Start.",
  "broken": "The frames can't be processed, so the camera was switched off. {detail}",
  "failed": "The camera could not be started. {detail}"
};
const OFF_STATES = [
  "ready",
  "stopped",
  "refused",
  "unreadable",
  "no-camera",
  "in-use",
  "insecure",
  "disconnected",
  "kernel-ended",
  "offline",
  "reconnected",
  "broken",
  "failed"
];
const TOOL_STATES = [
  "running",
  "no-face",
  "no-reply",
  "paused"
];
const STAGES = [
  "decode",
  "follow",
  "detect",
  "track",
  "recognize",
  "total"
];
const LABEL_COLORS = {
  "angry": "#D55E00",
  "disgust": "#009E73",
  "fear": "#CC79A7",
  "happy": "#E69F00",
  "neutral": "#8C8C8C",
  "sad": "#0072B2",
  "surprise": "#56B4E9"
};
const LABEL_INKS = {
  "angry": "#000000",
  "disgust": "#000000",
  "fear": "#000000",
  "happy": "#000000",
  "neutral": "#000000",
  "sad": "#ffffff",
  "surprise": "#000000"
};
const UNCERTAIN_COLOR = "#ffffff";
const UNCERTAIN_INK = "#000000";
const UNCERTAIN_RANGE = [
  0,
  0.95
];
const FILE_KINDS = [
  "csv",
  "json"
];
