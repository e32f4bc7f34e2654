// Where frames come from: the stream that the kernel named, and the newest frame of it as a JPEG.

const CAMERA_ERRORS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "no-camera",
  OverconstrainedError: "no-camera",
  NotReadableError: "in-use",
  AbortError: "in-use",
};

class Source {
  constructor(model) {
    this.model = model;
    this.media = null;
  }

  async find() {
    const id = this.model.get("stream").slice("IPY_MODEL_".length);
    this.widget ??= await this.model.widget_manager.get_model(id);
    return this.widget;
  }

  get isCamera() {
    return this.widget?.get("_model_name") === "CameraStreamModel";
  }

  choose(deviceId) {
    const { video, ...others } = this.widget.get("constraints");
    this.usual ??= video;
    const { facingMode, ...rest } = this.usual; // or the front camera would be wished for at the same time
    this.widget.set("constraints", { ...others, video: deviceId ? { ...rest, deviceId: { exact: deviceId } } : this.usual });
  }

  async open(deviceId = "") {
    await this.find();
    if (this.isCamera) this.choose(deviceId);
    if (this.isCamera && !(window.isSecureContext && navigator.mediaDevices)) throw new Refusal("insecure");
    try {
      return await this.widget.captureStream();
    } catch (error) {
      this.forget();
      if (deviceId && error.name === "OverconstrainedError") return this.open(); // the chosen camera is not there now
      throw new Refusal(CAMERA_ERRORS[error.name] ?? "failed", `${error.message || error.name}.`);
    }
  }

  show(video, media) {
    video.srcObject = media;
  }

  close(media) {
    for (const track of media?.getTracks() ?? []) track.stop();
    this.widget?.media?.pause(); // the player behind a VideoStream
    this.forget();
  }

  // ipywebrtc keeps the first answer of the camera for ever: a second start would get tracks that have
  // ended, and a refusal could never be taken back.
  forget() {
    delete this.widget?.cameraStream;
  }
}

class Refusal extends Error {
  constructor(state, detail = "") {
    super(detail);
    this.state = state;
  }
}

class Grabber {
  constructor(video, options) {
    Object.assign(this, { video, options });
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  }

  get ready() {
    return this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && this.video.videoWidth > 0;
  }

  // Encodes at once, in some 5 ms. `toBlob` would wait for the page to be idle, which on a busy machine
  // takes up to a second, and the frame would be old before it leaves.
  grab(image) {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, this.options.capture_width / videoWidth);
    const size = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    this.context.drawImage(image, 0, 0, ...size);
    const text = this.canvas.toDataURL("image/jpeg", this.options.jpeg_quality);
    return { size, jpeg: readBase64(text.slice(text.indexOf(",") + 1)).buffer };
  }
}

// Browsers of 2025 and later do it themselves, ten times as fast.
function readBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const bytes = atob(text);
  const array = new Uint8Array(bytes.length); // `from` with a function takes eight times as long
  for (let i = 0; i < bytes.length; i++) array[i] = bytes.charCodeAt(i);
  return array;
}
