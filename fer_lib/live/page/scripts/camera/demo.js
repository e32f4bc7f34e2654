// Demo source: a moving portrait on a canvas; `request` fetches its JPEG from the kernel.

const DEMO_SIZE = [640, 480];
const DEMO_INTERVAL_MS = 1000 / 30;
const DEMO_PERIOD_S = 12;

class Demo extends MediaFile {
  constructor(request) {
    super({ name: "Demo: a portrait, not your camera" });
    this.request = request;
  }

  async open() {
    const photo = await createImageBitmap(new Blob([await this.request()], { type: "image/jpeg" }));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = DEMO_SIZE;
    this.context = canvas.getContext("2d", { alpha: false });
    this.draw(photo, 0);
    const media = canvas.captureStream();
    const startedAt = performance.now();
    this.drawing = setInterval(() => this.draw(photo, (performance.now() - startedAt) / 1000), DEMO_INTERVAL_MS);
    return media;
  }

  draw(photo, seconds) {
    const phase = (2 * Math.PI * seconds) / DEMO_PERIOD_S;
    const cover = Math.max(DEMO_SIZE[0] / photo.width, DEMO_SIZE[1] / photo.height);
    const scale = cover * (1.22 + 0.08 * Math.sin(phase / 2));
    const [width, height] = [photo.width * scale, photo.height * scale];
    const left = (DEMO_SIZE[0] - width) * (0.5 + 0.42 * Math.sin(phase));
    const top = (DEMO_SIZE[1] - height) * (0.1 + 0.1 * Math.sin(2 * phase));
    this.context.drawImage(photo, left, top, width, height);
  }

  close(media) {
    clearInterval(this.drawing);
    super.close(media);
  }
}
