// When the newest frame of a stream is there, and how old it is.
//
// A browser tells of a video's next frame when it is about to draw the page: up to 17 ms after the camera took it. Where
// the frames of the camera's track can be read themselves, they come a millisecond or two after.

const MATCHES = 5; // frames seen on both ways, after which the clocks are told apart well enough
const LIKELY_MS = 12; // between two ways to say when a frame was taken; less than what lies between two frames

class Frames {
  // `give` gets each new frame: an image to draw, and when it was taken.
  constructor(video, give) {
    Object.assign(this, { video, give });
    this.run = 0;
    this.reader = null;
  }

  start() {
    this.stop();
    this.clock = new FrameClock();
    this.mayRead = "MediaStreamTrackProcessor" in window;
    this.watch(this.run);
  }

  stop() {
    this.run += 1;
    this.reader?.cancel().catch(() => {}); // the track may be gone already
    this.reader = null;
  }

  watch(run) {
    onNextFrame(this.video, (now, takenAt, isDated) => {
      if (run !== this.run) return;
      this.watch(run);
      if (this.reader) return this.clock.learn(takenAt);
      this.give(this.video, takenAt);
      if (this.mayRead && isDated) this.read(run);
    });
  }

  // A picture that is shown again and again has no track, and a file's frames don't know when they were taken.
  read(run) {
    const [track] = this.video.srcObject?.getVideoTracks() ?? [];
    if (!track) return;
    this.mayRead = false; // what fails once is not tried again
    this.reader = new MediaStreamTrackProcessor({ track, maxBufferSize: 1 }).readable.getReader();
    this.readOn(run, this.reader).catch(() => {}).finally(() => {
      if (run === this.run) this.reader = null;
    });
  }

  async readOn(run, reader) {
    for (;;) {
      const { done, value: frame } = await reader.read();
      if (done) return;
      try {
        const takenAt = this.clock.date(frame.timestamp / 1000, performance.now());
        if (run === this.run) this.give(this.fits(frame) ? frame : this.video, takenAt);
      } finally {
        frame.close();
      }
    }
  }

  // A camera held upright may turn its frames only when they are shown.
  fits(frame) {
    return frame.displayWidth === this.video.videoWidth && frame.displayHeight === this.video.videoHeight;
  }
}

// The frames of a track carry times of a clock of their own; those of the video carry the page's.
class FrameClock {
  constructor() {
    this.recent = [];
    this.atMost = Infinity; // what the page's time is ahead of theirs: a frame can't come before it was taken
    this.matches = [];
  }

  get isSure() {
    return this.matches.length >= MATCHES;
  }

  // Returns, in the page's time, when a frame that has just come was taken at `time` of its own.
  date(time, now) {
    this.recent = [...this.recent.slice(-7), time];
    this.atMost = Math.min(this.atMost, now - time);
    return time + (this.matches.length ? median(this.matches) : this.atMost);
  }

  // Takes the page's time of one of the last few frames.
  learn(takenAt) {
    if (this.isSure) return;
    const offsets = this.recent.map((time) => takenAt - time);
    const near = offsets.filter((offset) => Math.abs(offset - this.atMost) < LIKELY_MS);
    if (near.length === 1) this.matches.push(near[0]);
  }
}

// Calls `step` with the time, the time of the frame, and whether the frame itself knew it, when the video shows the next one.
function onNextFrame(video, step) {
  if (!video.requestVideoFrameCallback) return requestAnimationFrame((now) => step(now, now, false));
  return video.requestVideoFrameCallback((now, { captureTime, presentationTime }) =>
    step(now, captureTime ?? presentationTime ?? now, captureTime !== undefined),
  );
}
