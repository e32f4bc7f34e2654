// Frame reader: the newest frame of a stream and its capture time.
//
// Video frame callbacks run before the page is drawn, up to 17 ms after capture. Where MediaStreamTrackProcessor exists,
// frames are read from the camera's track, 1 to 2 ms after capture.

const MIN_MATCHES = 5; // frames with both timestamps until the offset of the clocks is known
const MAX_OFFSET_ERROR_MS = 12; // between two capture times of one frame; less than a frame interval

class FrameReader {
  // Calls `onFrame` with each new frame: a drawable image and its capture time in ms.
  constructor(video, onFrame) {
    Object.assign(this, { video, onFrame });
    this.run = 0;
    this.reader = null;
  }

  start() {
    this.stop();
    this.clock = new FrameClock();
    this.canReadTrack = "MediaStreamTrackProcessor" in window;
    this.watch(this.run);
  }

  stop() {
    this.run += 1;
    this.reader?.cancel().catch(() => {}); // the track may have ended
    this.reader = null;
  }

  watch(run) {
    requestNextFrame(this.video, (now, capturedAt, isDated) => {
      if (run !== this.run) return;
      this.watch(run);
      if (this.reader) return this.clock.addReference(capturedAt);
      this.onFrame(this.video, capturedAt);
      if (this.canReadTrack && isDated) this.openTrack(run);
    });
  }

  // Only for sources with capture times: photos have no further frames, and files no capture times.
  openTrack(run) {
    const [track] = this.video.srcObject?.getVideoTracks() ?? [];
    if (!track) return;
    this.canReadTrack = false; // not tried again after a failure
    this.reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable.getReader();
    this.readFrames(run, this.reader).catch(() => {}).finally(() => {
      if (run === this.run) this.reader = null;
    });
  }

  async readFrames(run, reader) {
    for (;;) {
      const { done, value: frame } = await reader.read();
      if (done) return;
      try {
        const capturedAt = this.clock.convert(frame.timestamp / 1000, performance.now());
        if (run === this.run) this.onFrame(this.hasVideoSize(frame) ? frame : this.video, capturedAt);
      } finally {
        frame.close();
      }
    }
  }

  // Frames of a phone's camera may be rotated only when the video is displayed.
  hasVideoSize(frame) {
    return frame.displayWidth === this.video.videoWidth && frame.displayHeight === this.video.videoHeight;
  }
}

// Converts times of the track's clock to the page's clock (performance.now).
class FrameClock {
  constructor() {
    this.recent = [];
    this.maxOffset = Infinity; // upper bound of the offset (page clock − track clock): arrival ≥ capture
    this.matches = [];
  }

  get isSynchronized() {
    return this.matches.length >= MIN_MATCHES;
  }

  // Returns the capture time, on the page's clock, of a frame that arrived at `now`.
  convert(time, now) {
    this.recent = [...this.recent.slice(-7), time];
    this.maxOffset = Math.min(this.maxOffset, now - time);
    return time + (this.matches.length ? median(this.matches) : this.maxOffset);
  }

  // Registers the capture time, on the page's clock, of one of the last frames.
  addReference(capturedAt) {
    if (this.isSynchronized) return;
    const offsets = this.recent.map((time) => capturedAt - time);
    const near = offsets.filter((offset) => Math.abs(offset - this.maxOffset) < MAX_OFFSET_ERROR_MS);
    if (near.length === 1) this.matches.push(near[0]);
  }
}

// Calls `step` with the next video frame: now, its capture time, and whether the frame itself has a capture time.
function requestNextFrame(video, step) {
  if (!video.requestVideoFrameCallback) return requestAnimationFrame((now) => step(now, now, false));
  return video.requestVideoFrameCallback((now, { captureTime, presentationTime }) =>
    step(now, captureTime ?? presentationTime ?? now, captureTime !== undefined),
  );
}
