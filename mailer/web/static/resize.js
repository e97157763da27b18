// Fits frames of ours to their content. Optional: without it the frame keeps its height and scrolls.
"use strict";
{
  const home = new URL(document.currentScript.src).origin;
  addEventListener("message", (event) => {
    const height = event.data && event.data.mailerFormHeight;
    if (event.origin !== home || !Number.isFinite(height)) return;
    for (const frame of document.querySelectorAll("iframe")) {
      if (frame.contentWindow === event.source) frame.height = Math.min(Math.max(height, 200), 6000);
    }
  });
}
