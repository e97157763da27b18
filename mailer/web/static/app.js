// What scripts add to the team's pages. Every page works without them. No strings are evaluated, nothing is written inline.
"use strict";

const announcer = document.getElementById("announcer");

function announce(text) {
  if (announcer) announcer.textContent = text;
}

// Copy buttons: data-copy="#field" takes a field's value, data-copy-text="…" its own.
async function copy(button) {
  const field = button.dataset.copy ? document.getElementById(button.dataset.copy.slice(1)) : null;
  const text = field ? field.value ?? field.textContent : button.dataset.copyText;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Without permission, or on plain HTTP, the reader copies the selection by hand.
    if (field) {
      field.focus();
      field.select?.();
    }
    announce("Copying is not allowed here. The text is selected: press Ctrl+C or Command+C.");
    return;
  }
  const word = button.querySelector("span:not(.visually-hidden)");
  const before = word?.textContent;
  button.classList.add("is-copied");
  if (word) word.textContent = "Copied";
  announce("Copied");
  setTimeout(() => {
    button.classList.remove("is-copied");
    if (word) word.textContent = before;
  }, 2000);
}

function showCopyButtons(within) {
  for (const button of within.querySelectorAll("[data-copy], [data-copy-text]")) button.hidden = false;
}

// Live regions: data-live="URL" data-every="1000". The answer is a fragment; data-live-stop in it ends the asking.
function spoken(region) {
  return Array.from(region.querySelectorAll("[data-announce]"), (part) => part.textContent.replace(/\s+/g, " ").trim());
}

function swap(region, html) {
  if (region.lastHTML === html) return;
  region.lastHTML = html;
  const before = spoken(region);
  const focused = region.contains(document.activeElement) ? document.activeElement : null;
  const place = focused ? Array.from(region.querySelectorAll("a, button, input, summary")).indexOf(focused) : -1;
  const opened = new Set(Array.from(region.querySelectorAll("details[open][id]"), (part) => part.id));
  region.innerHTML = html;
  showCopyButtons(region);
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  if (focused) {
    const again = focused.id && document.getElementById(focused.id);
    (again || region.querySelectorAll("a, button, input, summary")[place])?.focus({ preventScroll: true });
  }
  const changed = spoken(region).filter((text, index) => text && text !== before[index]);
  if (changed.length) announce(changed.join(". "));
}

function follow(region) {
  const every = Number(region.dataset.every) || 1000;
  let wait = every;
  const ask = async () => {
    if (!region.isConnected) return;
    if (document.hidden) {
      document.addEventListener("visibilitychange", ask, { once: true });
      return;
    }
    try {
      const answer = await fetch(region.dataset.live, { headers: { Accept: "text/html", "X-Fragment": "1" }, cache: "no-store" });
      // A redirect leads to the sign-in page; a 4xx will not get better by asking again.
      if (answer.redirected || (answer.status >= 400 && answer.status < 500 && answer.status !== 429)) return;
      if (!answer.ok) throw new Error(String(answer.status));
      swap(region, await answer.text());
      region.removeAttribute("data-live-lost");
      wait = every;
    } catch {
      region.setAttribute("data-live-lost", "");
      wait = Math.min(wait * 2, 30000);
    }
    if (!region.querySelector("[data-live-stop]")) setTimeout(ask, wait);
  };
  if (!region.querySelector("[data-live-stop]")) setTimeout(ask, every);
}

// Live preview: the form's fields go to data-preview 400 ms after the last change; the answer appears in data-preview-target.
// A frame gets its own document, so a previewed mail keeps its styles under its own policy and cannot touch this page.
let frames = 0;

function isBlank(frame) {
  try {
    return frame.contentWindow.location.href === "about:blank";
  } catch {
    return false;
  }
}

function previewInFrame(form, frame) {
  const next = frame.cloneNode();
  next.name = `preview-${(frames += 1)}`;
  next.removeAttribute("src");
  next.removeAttribute("srcdoc");
  next.classList.add("is-arriving");
  next.setAttribute("aria-hidden", "true");
  next.removeAttribute("id");
  // A new frame each time: going on in an old one would fill the history behind the Back button.
  frame.after(next);
  const sender = document.createElement("button");
  sender.type = "submit";
  sender.hidden = true;
  sender.formNoValidate = true;
  sender.setAttribute("formaction", form.dataset.preview);
  sender.setAttribute("formmethod", "post");
  sender.setAttribute("formtarget", next.name);
  form.append(sender);
  next.addEventListener("load", () => {
    if (!next.classList.contains("is-arriving") || isBlank(next)) return;
    let top = 0;
    try {
      top = frame.contentWindow.scrollY;
    } catch {
      // A sandboxed frame keeps its place to itself.
    }
    const id = frame.id;
    frame.remove();
    next.id = id;
    next.classList.remove("is-arriving");
    next.removeAttribute("aria-hidden");
    try {
      next.contentWindow.scrollTo(0, top);
    } catch {
      // As above.
    }
  });
  form.requestSubmit(sender);
  sender.remove();
}

async function previewInPlace(form, target) {
  const turn = (target.previewTurn = (target.previewTurn || 0) + 1);
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: new FormData(form), headers: { "X-Fragment": "1" } });
    if (answer.ok && !answer.redirected && turn === target.previewTurn) {
      target.innerHTML = await answer.text();
      showCopyButtons(target);
    }
  } catch {
    // The last preview stays; the next change asks again.
  }
}

function preview(form) {
  let timer = 0;
  const show = () => {
    const target = document.querySelector(form.dataset.previewTarget);
    if (!target) return;
    if (target instanceof HTMLIFrameElement) {
      for (const late of document.querySelectorAll("iframe.is-arriving")) late.remove();
      previewInFrame(form, target);
    } else previewInPlace(form, target);
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(show, 400);
  });
  show();
}

// Unsaved changes: the browser's own question before a form with data-guard is left.
function guard(form) {
  let changed = false;
  form.addEventListener("input", () => (changed = true));
  form.addEventListener("submit", (event) => {
    if (!event.submitter?.formTarget) changed = false;
  });
  addEventListener("beforeunload", (event) => {
    if (changed) event.preventDefault();
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy], [data-copy-text]");
  if (button) copy(button);
  for (const menu of document.querySelectorAll("details.more[open]")) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.more[open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
showCopyButtons(document);
for (const region of document.querySelectorAll("[data-live]")) follow(region);
for (const form of document.querySelectorAll("form[data-preview]")) preview(form);
for (const form of document.querySelectorAll("form[data-guard]")) guard(form);
