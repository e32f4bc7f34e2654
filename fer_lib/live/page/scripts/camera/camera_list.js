// Camera list: browsers list the names of cameras only after the visitor has allowed one.

class CameraList {
  constructor(root, view) {
    this.view = view;
    this.select = root.querySelector(".fer-camera");
    this.select.addEventListener("change", () => view.selectCamera(this.select.value));
    this.render([]);
  }

  async update() {
    const devices = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    this.render(devices.filter(({ kind, deviceId }) => kind === "videoinput" && deviceId));
  }

  render(cameras) {
    const chosen = this.view.preferences.get("camera");
    const options = [["", "Default camera"], ...cameras.map(({ deviceId, label }, i) => [deviceId, label || `Camera ${i + 1}`])];
    this.select.replaceChildren(...options.map(([value, name]) => new Option(name, value, false, value === chosen)));
    this.select.disabled = cameras.length < 2;
  }
}
