// Records every result of the live view, with the number of the frame that the video shows at that moment
// (harness/synthetic_camera.py encodes it in the corner; -1 where there is none).
({ square, bits, width }) => {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [square * (bits + 2), square];
  const context = canvas.getContext("2d", { willReadFrequently: true });

  const readNumber = (video) => {
    const scale = video.videoWidth / width;
    context.drawImage(video, 0, 0, canvas.width * scale, canvas.height * scale, 0, 0, canvas.width, canvas.height);
    const pixels = context.getImageData(0, square / 2, canvas.width, 1).data;
    const seen = Array.from({ length: bits + 2 }, (_, i) => Number(pixels[4 * ((i + 0.5) * square) + 1] > 128));
    const ones = seen.reduce((sum, bit) => sum + bit, 0);
    if (!seen[0] || ones % 2 !== 1) return -1;
    return seen.slice(1, -1).reduce((number, bit) => 2 * number + bit, 0);
  };

  const root = document.querySelector(".fer-live");
  window.ferResults = [];
  root.addEventListener("fer-faces", ({ detail }) => window.ferResults.push({
    frame: readNumber(root.querySelector("video")),
    faces: detail.faces,
    frame_to_overlay_ms: detail.drawnAt - detail.shownAt,
    round_trip_ms: detail.repliedAt - detail.sentAt,
    drawn_at_ms: detail.drawnAt,
  }));
}
