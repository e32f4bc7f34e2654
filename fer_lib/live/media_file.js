// What stands in for the camera: a photo, a video or the demo. The browser reads it, and it goes where the camera's
// frames go and nowhere else. Each has what the live view asks of a source: `open`, `show`, `close` and `isCamera`.

const LARGEST_PHOTO = 1920; // longer side in pixels; more is not looked at anyway
const DEMO = [640, 480];
const DEMO_MS = 1000 / 30;
const DEMO_ROUND_S = 12;

function standIn(file) {
  if (file.type.startsWith("video/")) return new VideoFile(file);
  if (file.type.startsWith("image/")) return new Photo(file);
  return new Unreadable(file);
}

class Substitute {
  constructor(file) {
    this.file = file;
    this.isCamera = false;
  }

  get name() {
    return this.file.name || "Pasted photo";
  }

  show(video, media) {
    video.srcObject = media;
  }

  close(media) {
    for (const track of media?.getTracks() ?? []) track.stop();
  }
}

class Unreadable extends Substitute {
  async open() {
    throw new Refusal("unreadable", `${this.name} is neither a photo nor a video.`);
  }
}

class Photo extends Substitute {
  async open() {
    const picture = await createImageBitmap(this.file).catch(() => {
      throw new Refusal("unreadable", `${this.name} is no photo that this browser can read.`);
    });
    const scale = Math.min(1, LARGEST_PHOTO / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
    const context = canvas.getContext("2d");
    const media = canvas.captureStream();
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return media;
  }
}

// Played by the page's own video element: browsers slow a video down that is nowhere to be seen.
class VideoFile extends Substitute {
  async open() {
    this.address = URL.createObjectURL(this.file);
    const probe = document.createElement("video");
    probe.muted = true;
    const isReadable = new Promise((done) => {
      probe.onloadeddata = () => done(probe.videoWidth > 0);
      probe.onerror = () => done(false);
      probe.src = this.address;
    });
    if (!(await isReadable)) {
      this.close();
      throw new Refusal("unreadable", `${this.name} is no video that this browser can play.`);
    }
    return { getTracks: () => [], getVideoTracks: () => [] };
  }

  show(video) {
    video.srcObject = null;
    video.loop = true;
    video.src = this.address;
    this.video = video;
  }

  close() {
    URL.revokeObjectURL(this.address);
    this.video?.removeAttribute("src");
    this.video?.load();
    this.video = null;
  }
}

// A portrait that sways before us as a person would; `ask` gets its bytes from the kernel.
class Demo extends Substitute {
  constructor(ask) {
    super({ name: "Demo: a portrait, not your camera" });
    this.ask = ask;
  }

  async open() {
    const picture = await createImageBitmap(new Blob([await this.ask()], { type: "image/jpeg" }));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = DEMO;
    this.context = canvas.getContext("2d", { alpha: false });
    this.draw(picture, 0);
    const media = canvas.captureStream();
    const startedAt = performance.now();
    this.drawing = setInterval(() => this.draw(picture, (performance.now() - startedAt) / 1000), DEMO_MS);
    return media;
  }

  draw(picture, seconds) {
    const turn = (2 * Math.PI * seconds) / DEMO_ROUND_S;
    const cover = Math.max(DEMO[0] / picture.width, DEMO[1] / picture.height);
    const scale = cover * (1.22 + 0.08 * Math.sin(turn / 2));
    const [width, height] = [picture.width * scale, picture.height * scale];
    const left = (DEMO[0] - width) * (0.5 + 0.42 * Math.sin(turn));
    const top = (DEMO[1] - height) * (0.1 + 0.1 * Math.sin(2 * turn));
    this.context.drawImage(picture, left, top, width, height);
  }

  close(media) {
    clearInterval(this.drawing);
    super.close(media);
  }
}
