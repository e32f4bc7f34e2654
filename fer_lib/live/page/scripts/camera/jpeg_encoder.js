// JPEG encoder: scales a frame to the capture width and encodes it.

class JpegEncoder {
  constructor(video, options) {
    Object.assign(this, { video, options });
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  }

  get ready() {
    return this.video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA && this.video.videoWidth > 0;
  }

  // Synchronous, in some 5 ms: `toBlob` waits until the page is idle, up to a second on a busy machine.
  encode(image) {
    const { videoWidth, videoHeight } = this.video;
    const scale = Math.min(1, this.options.capture_width / videoWidth);
    const size = [Math.round(videoWidth * scale), Math.round(videoHeight * scale)];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    this.context.drawImage(image, 0, 0, ...size);
    const text = this.canvas.toDataURL("image/jpeg", this.options.jpeg_quality);
    return { size, jpeg: readBase64(text.slice(text.indexOf(",") + 1)).buffer };
  }
}

// `fromBase64` exists in browsers since 2025 and is ten times as fast.
function readBase64(text) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(text);
  const bytes = atob(text);
  const array = new Uint8Array(bytes.length); // `from` with a function takes eight times as long
  for (let i = 0; i < bytes.length; i++) array[i] = bytes.charCodeAt(i);
  return array;
}
