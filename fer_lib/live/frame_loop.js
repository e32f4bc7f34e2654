// The loop between the page and the kernel: a frame leaves when an answer is back, the newest always wins.

const STILL_MS = 1000; // a source without new frames (a picture) is looked at this often

const STUCK_MS = 1000; // between two ticks: the page itself stood still, and heard no answer

class Loop {
  constructor(view) {
    this.view = view;
    this.options = view.options;
    this.grabber = new Grabber(view.video, view.options);
    this.frames = new Frames(view.video, (image, shownAt) => this.offer(performance.now(), shownAt, image));
    this.lastId = 0;
    this.forget();
  }

  forget() {
    this.flight = new Flight(this.options);
    this.pace = new Pace();
  }

  start() {
    this.forget();
    this.answeredAt = this.grabbedAt = this.tickedAt = performance.now();
    this.frames.start();
  }

  stop() {
    this.frames.stop();
    this.forget();
  }

  // Nobody looks: what is on its way does not count, and the kernel may take its time.
  rest() {
    this.flight.clear();
    this.answeredAt = performance.now();
  }

  offer(now, shownAt = now, image = this.view.video) {
    if (document.hidden || !this.view.link.isUp) return;
    if (this.grabber.ready && this.flight.hasPlace(now)) this.send(shownAt, image);
  }

  send(shownAt, image) {
    const id = ++this.lastId;
    this.grabbedAt = performance.now();
    const { size, jpeg } = this.grabber.grab(image);
    this.flight.leave(id, { size, shownAt, grabbedAt: this.grabbedAt, sentAt: performance.now() });
    if (!this.view.tell({ type: "frame", id, time_s: shownAt / 1000 }, [jpeg])) this.view.finish("kernel-gone");
  }

  // The frame that an answer belongs to, with the time of the answer; `undefined` for one that was forgotten.
  land(message) {
    const now = performance.now();
    const frame = this.flight.land(message, now);
    if (!frame) return undefined;
    this.answeredAt = now;
    return { ...frame, answeredAt: now };
  }

  // Returns for how long nothing was heard of the kernel, in milliseconds.
  tick(now) {
    if (now - this.tickedAt > STUCK_MS) this.answeredAt += now - this.tickedAt;
    this.tickedAt = now;
    this.flight.giveUp(now);
    if (now - this.grabbedAt > STILL_MS) this.offer(now);
    return now - this.answeredAt;
  }
}
