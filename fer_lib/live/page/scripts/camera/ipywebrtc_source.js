// Source of frames: the ipywebrtc stream of the kernel, in general the camera.

const CAMERA_ERRORS = {
  NotAllowedError: "refused",
  SecurityError: "refused",
  NotFoundError: "no-camera",
  OverconstrainedError: "no-camera",
  NotReadableError: "in-use",
  AbortError: "in-use",
};

class IpywebrtcSource {
  constructor(model) {
    this.model = model;
    this.media = null;
  }

  async loadWidget() {
    const id = this.model.get("stream").slice("IPY_MODEL_".length);
    this.widget ??= await this.model.widget_manager.get_model(id);
    return this.widget;
  }

  get isCamera() {
    return this.widget?.get("_model_name") === "CameraStreamModel";
  }

  setDevice(deviceId) {
    const { video, ...others } = this.widget.get("constraints");
    this.defaultVideo ??= video;
    const { facingMode, ...rest } = this.defaultVideo; // could contradict the chosen device
    this.widget.set("constraints", { ...others, video: deviceId ? { ...rest, deviceId: { exact: deviceId } } : this.defaultVideo });
  }

  async open(deviceId = "") {
    await this.loadWidget();
    if (this.isCamera) this.setDevice(deviceId);
    if (this.isCamera && !(window.isSecureContext && navigator.mediaDevices)) throw new SourceError("insecure");
    try {
      return await this.widget.captureStream();
    } catch (error) {
      this.clearCache();
      if (deviceId && error.name === "OverconstrainedError") return this.open(); // the chosen camera is not connected
      throw new SourceError(CAMERA_ERRORS[error.name] ?? "failed", `${error.message || error.name}.`);
    }
  }

  show(video, media) {
    video.srcObject = media;
  }

  close(media) {
    for (const track of media?.getTracks() ?? []) track.stop();
    this.widget?.media?.pause(); // the video element of a VideoStream
    this.clearCache();
  }

  // ipywebrtc caches its first stream, or its rejection; without this a second start would get the cached one.
  clearCache() {
    delete this.widget?.cameraStream;
  }
}

class SourceError extends Error {
  constructor(state, detail = "") {
    super(detail);
    this.state = state;
  }
}
