// Photo and video files as sources of frames, read by the browser. Every source has `open`, `show`, `close` and
// `isCamera`.

const MAX_PHOTO_SIDE = 1920; // longer side in pixels; detection reduces it to 640 anyway

function openFile(file) {
  if (file.type.startsWith("video/")) return new VideoFile(file);
  if (file.type.startsWith("image/")) return new Photo(file);
  return new UnsupportedFile(file);
}

class MediaFile {
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

class UnsupportedFile extends MediaFile {
  async open() {
    throw new SourceError("unreadable", `${this.name} is neither a photo nor a video.`);
  }
}

class Photo extends MediaFile {
  async open() {
    const image = await createImageBitmap(this.file).catch(() => {
      throw new SourceError("unreadable", `${this.name} is not a photo that this browser can read.`);
    });
    const scale = Math.min(1, MAX_PHOTO_SIDE / Math.max(image.width, image.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * scale)));
    const context = canvas.getContext("2d");
    const media = canvas.captureStream();
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return media;
  }
}

// Played in the page's video element: browsers slow down videos that are not visible.
class VideoFile extends MediaFile {
  async open() {
    this.url = URL.createObjectURL(this.file);
    const probe = document.createElement("video");
    probe.muted = true;
    const isReadable = new Promise((done) => {
      probe.onloadeddata = () => done(probe.videoWidth > 0);
      probe.onerror = () => done(false);
      probe.src = this.url;
    });
    if (!(await isReadable)) {
      this.close();
      throw new SourceError("unreadable", `${this.name} is not a video that this browser can play.`);
    }
    return { getTracks: () => [], getVideoTracks: () => [] };
  }

  show(video) {
    video.srcObject = null;
    video.loop = true;
    video.src = this.url;
    this.video = video;
  }

  close() {
    URL.revokeObjectURL(this.url);
    this.video?.removeAttribute("src");
    this.video?.load();
    this.video = null;
  }
}
