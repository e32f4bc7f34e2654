// Layout of the live view: video, Start, bars, a toolbar, and the panels that the tools open.

let layouts = 0;

function renderLayout(root, seconds) {
  const more = `fer-more-${++layouts}`; // a page may contain several views
  root.innerHTML = `
  <div class="fer-stage">
    <svg class="fer-idle" viewBox="0 0 96 96" aria-hidden="true">
      <path d="M12 30V18a6 6 0 0 1 6-6h12M66 12h12a6 6 0 0 1 6 6v12M84 66v12a6 6 0 0 1-6 6H66M30 84H18a6 6 0 0 1-6-6V66"/>
      <circle cx="37" cy="42" r="1.5"/><circle cx="59" cy="42" r="1.5"/><path d="M34 58c8 7 20 7 28 0"/>
    </svg>
    <video class="fer-video" autoplay playsinline muted></video>
    <canvas class="fer-overlay" tabindex="0" role="img"
      aria-label="Live view. The arrow keys select a face, Escape returns to the largest."></canvas>
    <p class="fer-tag"></p>
    <div class="fer-marks">
      <p class="fer-mark fer-mark-calibration" role="timer" aria-label="Neutral calibration" hidden></p>
      <p class="fer-mark fer-mark-clip" role="timer" aria-label="Recording a clip" hidden></p>
      <p class="fer-mark fer-mark-record" role="timer" aria-label="Recording" hidden></p>
    </div>
    <p class="fer-toast" role="status" aria-live="polite"></p>
    <button type="button" class="fer-tool fer-exit-full">Exit full screen</button>
    <div class="fer-no-camera" role="group" aria-label="Without a camera">
      <span>Without a camera:</span>
      <button type="button" class="fer-tool fer-choose-file">Photo or video …</button>
      <button type="button" class="fer-tool fer-demo">Demo</button>
      <input type="file" class="fer-file" accept="image/*,video/*" hidden>
    </div>
  </div>
  <div class="fer-controls">
    <button type="button" class="fer-button fer-start">Start</button>
    <button type="button" class="fer-button fer-reload" hidden>Reload</button>
    <button type="button" class="fer-button fer-stop" disabled>Stop</button>
    <p class="fer-status" role="status" aria-live="polite"></p>
  </div>
  <section class="fer-panel" aria-label="Probabilities of one face">
    <p class="fer-face-name"></p>
    <p class="fer-label"></p>
    <p class="fer-calibrated" hidden>calibrated</p>
    <div class="fer-bars"></div>
    <figure class="fer-timeline">
      <canvas role="img" aria-label="The last 60 seconds: no face yet"></canvas>
      <figcaption><span>60 s ago</span><span>now</span></figcaption>
    </figure>
    <p class="fer-throughput"></p>
  </section>
  <div class="fer-tools" role="group" aria-label="Tools">
    <button type="button" class="fer-tool fer-record" aria-pressed="false" disabled>Record</button>
    <button type="button" class="fer-tool fer-snapshot" disabled>Snapshot</button>
    <button type="button" class="fer-tool fer-clip" aria-pressed="false" disabled>Clip</button>
    <button type="button" class="fer-tool fer-full">Full screen</button>
    <button type="button" class="fer-tool fer-more" aria-expanded="false" aria-controls="${more}">More</button>
  </div>
  <div class="fer-below">
    <section class="fer-summary" aria-label="Recording" hidden></section>
    <div class="fer-preferences" id="${more}" hidden>
      <label class="fer-preference"><span>“Uncertain” below</span>
        <input type="range" data-preference="uncertain_below" step="0.05"><output></output></label>
      <label class="fer-preference"><span>Smooth over</span>
        <input type="range" data-preference="smoothing_s" step="0.05"><output></output></label>
      <label class="fer-preference"><span>Mirror the camera</span>
        <input type="checkbox" data-preference="mirror"></label>
      <label class="fer-preference"><span>Camera</span>
        <select class="fer-camera"></select></label>
      <div class="fer-preference fer-calibration" role="group" aria-label="Neutral calibration">
        <span>Your neutral face</span>
        <span class="fer-buttons">
          <button type="button" class="fer-tool fer-calibrate" disabled>Calibrate …</button>
          <button type="button" class="fer-tool fer-delete-calibration" disabled>Delete calibration</button>
        </span>
        <p>Does the page show your neutral face as sad or angry? Calibrate it: keep a neutral face for ${seconds} seconds, with
          nobody else in view. The correction applies to every face, until you delete it or close the page.</p>
        <p class="fer-calibration-result"></p>
      </div>
      <details class="fer-diagnostics">
        <summary>Diagnostics</summary>
        <dl></dl>
        <button type="button" class="fer-tool fer-copy">Copy for a bug report</button>
      </details>
    </div>
  </div>`;
}
