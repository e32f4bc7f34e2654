// Which camera: browsers tell their names only after the visitor has allowed one.

class Cameras {
  constructor(root, view) {
    this.view = view;
    this.select = root.querySelector(".fer-camera");
    this.select.addEventListener("change", () => view.takeCamera(this.select.value));
    this.show([]);
  }

  async find() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    this.show(devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId));
  }

  show(cameras) {
    const chosen = this.view.choices.get("camera");
    const options = [["", "The usual one"], ...cameras.map(({ deviceId, label }, i) => [deviceId, label || `Camera ${i + 1}`])];
    this.select.replaceChildren(...options.map(([value, name]) => new Option(name, value, false, value === chosen)));
    this.select.disabled = cameras.length < 2;
  }
}
