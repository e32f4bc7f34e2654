// Video clip: video with overlay, recorded by MediaRecorder in the browser; nothing is sent to the kernel.
//
// ipywebrtc's WidgetStream captures the video without the overlay, and its VideoRecorder sends the file to the kernel.

// The first supported format is used: VP8 needs least CPU, MP4 is for Safari.
const CLIP_FORMATS = [["video/webm;codecs=vp8", "webm"], ["video/webm", "webm"], ["video/mp4", "mp4"]];
const CLIP_BITS_PER_S = 2_500_000; // some 19 MB per minute
const CHUNK_MS = 1000;

class VideoClip {
  constructor(view) {
    this.view = view;
    [this.button, this.mark] = [".fer-clip", ".fer-mark-clip"].map((selector) => view.root.querySelector(selector));
    this.recorder = null;
    this.button.addEventListener("click", () => (this.recorder ? this.stop() : this.start()));
  }

  start() {
    const { video } = this.view;
    const [type, suffix] = findClipFormat() ?? [];
    if (!type || !HTMLCanvasElement.prototype.captureStream)
      return this.view.toast("This browser can't record clips. Use a current Chrome, Edge, Firefox or Safari.");
    this.canvas = document.createElement("canvas");
    [this.canvas.width, this.canvas.height] = [video.videoWidth, video.videoHeight];
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.draw();
    try {
      const media = this.canvas.captureStream();
      const recorder = new MediaRecorder(media, { mimeType: type, videoBitsPerSecond: CLIP_BITS_PER_S });
      const chunks = [];
      recorder.addEventListener("dataavailable", ({ data }) => chunks.push(data));
      recorder.addEventListener("error", () => this.stop());
      recorder.addEventListener("stop", () => {
        for (const track of media.getTracks()) track.stop();
        this.save(new Blob(chunks, { type: type.split(";")[0] }), suffix);
      });
      recorder.start(CHUNK_MS);
      this.recorder = recorder;
    } catch (error) {
      return this.view.toast(`The clip could not be started. ${error.message || error.name}`);
    }
    this.startedAt = performance.now();
    this.show();
    this.drawFrames(this.recorder);
    return this.view.toast("Recording a clip. It stays on your device.");
  }

  drawFrames(recorder) {
    requestNextFrame(this.view.video, () => {
      if (recorder !== this.recorder) return;
      this.draw();
      this.drawFrames(recorder);
    });
  }

  draw() {
    drawComposite(this.context, this.view.video, this.view.canvas, this.view.mirror);
  }

  // Draws boxes that moved over a still image, and stops at the maximum duration.
  tick(now) {
    if (!this.recorder) return;
    const { videoWidth, videoHeight } = this.view.video;
    const isSame = videoWidth === this.canvas.width && videoHeight === this.canvas.height;
    const seconds = (now - this.startedAt) / 1000;
    if (!isSame || seconds >= this.view.options.max_clip_s) return this.stop();
    this.draw();
    return this.show(seconds);
  }

  stop() {
    const { recorder } = this;
    this.recorder = null;
    if (recorder && recorder.state !== "inactive") recorder.stop();
    this.show();
  }

  save(blob, suffix) {
    if (!blob.size) return this.view.toast("The clip is empty: your browser recorded nothing.");
    downloadFile(blob, `faces-${fileTimestamp()}.${suffix}`);
    return this.view.toast("Clip saved by your browser.");
  }

  show(seconds = 0) {
    const text = `Clip ${clockTime(seconds)}`;
    this.button.setAttribute("aria-pressed", Boolean(this.recorder));
    this.mark.hidden = !this.recorder;
    if (this.mark.textContent !== text) this.mark.textContent = text;
  }

  enable(isLive) {
    this.button.disabled = !isLive;
  }
}

function findClipFormat() {
  return CLIP_FORMATS.find(([type]) => window.MediaRecorder?.isTypeSupported(type));
}
