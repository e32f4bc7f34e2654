// Frame loop: sends the newest frame to the kernel whenever the in-flight window is not full.

const STILL_INTERVAL_MS = 1000; // between frames of a source without new frames (a photo)
const BLOCKED_MS = 1000; // between two ticks: the page itself was blocked and could not receive replies

class FrameLoop {
  constructor(view) {
    this.view = view;
    this.options = view.options;
    this.encoder = new JpegEncoder(view.video, view.options);
    this.reader = new FrameReader(view.video, (image, shownAt) => this.offer(performance.now(), shownAt, image));
    this.lastId = 0;
    this.reset();
  }

  reset() {
    this.inFlight = new InFlightWindow(this.options);
    this.throughput = new Throughput();
  }

  start() {
    this.reset();
    this.repliedAt = this.encodedAt = this.tickedAt = performance.now();
    this.reader.start();
  }

  stop() {
    this.reader.stop();
    this.reset();
  }

  // Drops the frames in flight and restarts the kernel's timeout: for a hidden page or a new connection.
  restartTimeout() {
    this.inFlight.clear();
    this.repliedAt = performance.now();
  }

  offer(now, shownAt = now, image = this.view.video) {
    if (document.hidden || !this.view.connection.isUp) return;
    if (this.encoder.ready && this.inFlight.tryAcquire(now)) this.sendFrame(shownAt, image);
  }

  sendFrame(shownAt, image) {
    const id = ++this.lastId;
    this.encodedAt = performance.now();
    const { size, jpeg } = this.encoder.encode(image);
    this.inFlight.register(id, { size, shownAt, encodedAt: this.encodedAt, sentAt: performance.now() });
    if (!this.view.send({ type: "frame", id, time_s: shownAt / 1000 }, [jpeg])) this.view.finish("kernel-ended");
  }

  // Returns the frame of a reply with the time of the reply; `undefined` if it is unknown.
  resolve(message) {
    const now = performance.now();
    const frame = this.inFlight.resolve(message, now);
    if (!frame) return undefined;
    this.repliedAt = now;
    return { ...frame, repliedAt: now };
  }

  // Returns the milliseconds since the last reply of the kernel.
  tick(now) {
    if (now - this.tickedAt > BLOCKED_MS) this.repliedAt += now - this.tickedAt;
    this.tickedAt = now;
    this.inFlight.expire(now);
    if (now - this.encodedAt > STILL_INTERVAL_MS) this.offer(now);
    return now - this.repliedAt;
  }
}
