// Downloads: files made in the browser, without the server.

function downloadFile(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

// Local time as part of a file name.
function fileTimestamp(now = new Date()) {
  const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19).replace("T", "-").replaceAll(":", "-");
}

// Draws video and overlay into a canvas of the video's size. The overlay has the size of the element on the page, with
// letterbox bars where the aspect ratios differ.
function drawComposite(context, video, overlay, mirror) {
  const { width, height } = context.canvas;
  if (mirror) context.setTransform(-1, 0, 0, 1, width, 0);
  context.drawImage(video, 0, 0, width, height);
  context.resetTransform();
  if (!overlay.width || !overlay.height) return;
  const scale = Math.min(overlay.width / width, overlay.height / height);
  const [shownWidth, shownHeight] = [width * scale, height * scale];
  const [left, top] = [(overlay.width - shownWidth) / 2, (overlay.height - shownHeight) / 2];
  context.drawImage(overlay, left, top, shownWidth, shownHeight, 0, 0, width, height);
}

function renderSnapshot(video, overlay, mirror) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  drawComposite(canvas.getContext("2d"), video, overlay, mirror);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
