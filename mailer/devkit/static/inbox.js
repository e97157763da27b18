// Shows new mail without a reload: asks for the same page and exchanges the list when it differs.
"use strict";

const PAUSE_MS = 2000;

async function refresh() {
  if (document.hidden) return;
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const shown = document.getElementById("list");
  const news = fresh.getElementById("list");
  if (!news || news.innerHTML === shown.innerHTML) return;
  // The link that has the focus keeps it, or a keyboard would be thrown back to the top.
  const focused = shown.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
  document.getElementById("count").textContent = fresh.getElementById("count").textContent;
  shown.replaceChildren(...news.childNodes);
  if (focused) shown.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

async function keepFresh() {
  try {
    await refresh();
  } catch {
    // The catcher is being restarted; the next turn asks again.
  }
  setTimeout(keepFresh, PAUSE_MS);
}

setTimeout(keepFresh, PAUSE_MS);
