// The annotated clip: the picture with its boxes, recorded by the browser itself. Nothing of it goes to the kernel.
//
// ipywebrtc could not do it: its WidgetStream takes the first element of a widget that can be captured, here the video
// without boxes, and its VideoRecorder sends what it recorded to the kernel.

// The first that the browser records: VP8 costs least, and MP4 is Safari's.
const CLIP_KINDS = [["video/webm;codecs=vp8", "webm"], ["video/webm", "webm"], ["video/mp4", "mp4"]];
const CLIP_BITS = 2_500_000; // a second: some 19 MB a minute at most
const PIECE_MS = 1000;

class Clip {
  constructor(view) {
    this.view = view;
    [this.button, this.mark] = [".fer-film", ".fer-mark-film"].map((selector) => view.root.querySelector(selector));
    this.recorder = null;
    this.button.addEventListener("click", () => (this.recorder ? this.stop() : this.start()));
  }

  start() {
    const { video } = this.view;
    const [type, suffix] = findClipKind() ?? [];
    if (!type || !HTMLCanvasElement.prototype.captureStream)
      return this.view.toast("This browser can't record clips. A current Chrome, Edge, Firefox or Safari can.");
    this.canvas = document.createElement("canvas");
    [this.canvas.width, this.canvas.height] = [video.videoWidth, video.videoHeight];
    this.context = this.canvas.getContext("2d", { alpha: false });
    this.draw();
    try {
      const media = this.canvas.captureStream();
      const recorder = new MediaRecorder(media, { mimeType: type, videoBitsPerSecond: CLIP_BITS });
      const pieces = [];
      recorder.addEventListener("dataavailable", ({ data }) => pieces.push(data));
      recorder.addEventListener("error", () => this.stop());
      recorder.addEventListener("stop", () => {
        for (const track of media.getTracks()) track.stop();
        this.keep(new Blob(pieces, { type: type.split(";")[0] }), suffix);
      });
      recorder.start(PIECE_MS);
      this.recorder = recorder;
    } catch (error) {
      return this.view.toast(`The clip could not be started. ${error.message || error.name}`);
    }
    this.startedAt = performance.now();
    this.show();
    this.watch(this.recorder);
    return this.view.toast("Filming the picture with its boxes. Your browser keeps it, and nobody else.");
  }

  watch(recorder) {
    onNextFrame(this.view.video, () => {
      if (recorder !== this.recorder) return;
      this.draw();
      this.watch(recorder);
    });
  }

  draw() {
    composePicture(this.context, this.view.video, this.view.canvas, this.view.mirror);
  }

  // The boxes may move while the picture does not, and a clip may not grow for ever.
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

  keep(blob, suffix) {
    if (!blob.size) return this.view.toast("The clip is empty: your browser recorded nothing.");
    keepFile(blob, `faces-${timeInName()}.${suffix}`);
    return this.view.toast("Clip saved by your browser.");
  }

  show(seconds = 0) {
    const text = `Film ${clockTime(seconds)}`;
    this.button.setAttribute("aria-pressed", Boolean(this.recorder));
    this.mark.hidden = !this.recorder;
    if (this.mark.textContent !== text) this.mark.textContent = text;
  }

  enable(isLive) {
    this.button.disabled = !isLive;
  }
}

function findClipKind() {
  return CLIP_KINDS.find(([type]) => window.MediaRecorder?.isTypeSupported(type));
}
