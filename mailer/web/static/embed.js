// Draws a form where this script stands. No cookie, no storage, no third party.
(() => {
  "use strict";
  const self = document.currentScript;
  const base = self.src.replace(/\/embed\.js.*$/, "");
  const root = document.createElement("div");
  root.className = "mailer-form";
  self.after(root);
  let busy = false;

  // Texts only ever become text nodes.
  function make(tag, attributes, ...content) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value || value === "") node.setAttribute(name, value === true ? "" : value);
    node.append(...content);
    return node;
  }

  const link = (href, text) => make("a", { href, target: "_blank", rel: "noopener" }, text);
  const p = (...content) => make("p", {}, ...content);
  const strong = (text) => p(make("strong", {}, text));

  // The link that stands here until there is a form gives way.
  function fill(...content) {
    document.querySelector('[data-mailer-form][href="' + base + '"]')?.remove();
    root.replaceChildren(...content);
  }

  function dress() {
    // Works where inline styles do not; older browsers use the page's.
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(
        ".mailer-form{max-width:36rem;line-height:1.5;p,dl,fieldset{margin:0 0 1em}fieldset{border:0;padding:0}" +
          "input:not([type=checkbox]){display:block;box-sizing:border-box;width:100%;min-height:44px;padding:.5em;font:inherit}" +
          ".mailer-choice{display:grid;grid-template-columns:1.75em 1fr;padding:.375em 0}[type=checkbox]{width:24px;height:24px;margin:0}" +
          "button{min-height:44px;padding:.5em 1.25em;font:inherit;font-weight:600}dt,.mailer-error{font-weight:600}dd{margin:0 0 .5em}[aria-invalid]{outline:2px solid}}"
      );
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    } catch {}
  }

  const failed = (text) => fill(p(text + " ", link(base, "Open the form on its own page")));
  const id = (name) => "mailer-" + base.slice(-8) + "-" + name;

  function field(item, value) {
    const input = make("input", { id: id(item.name), name: item.name, value, ...item.attributes });
    return p(make("label", { for: id(item.name) }, item.label), input);
  }

  function choice(item, isTicked) {
    return make(
      "div", { class: "mailer-choice" },
      make("input", { id: id(item.name), name: item.name, type: "checkbox", value: "yes", checked: isTicked }),
      make("label", { for: id(item.name) }, item.label)
    );
  }

  function draw(page, values, ticked) {
    const told = make("div", { role: "alert", tabindex: "-1" });
    const trap = make("div", { hidden: true }, make("input", { name: page.honeypot, tabindex: "-1", autocomplete: "off" }));
    const fact = (term, told) => [make("dt", {}, term), make("dd", {}, told)];
    const facts = make("dl", {}, ...page.slots.flatMap((slot) => fact(slot.heading, slot.text)), ...fact("All of it", link(page.notice_url, "Privacy notice of " + page.organisation)));
    const form = make(
      "form", { novalidate: true, "aria-label": page.title },
      told,
      ...page.inputs.map((item) => field(item, values[item.name] || "")),
      make("fieldset", {}, make("legend", {}, "Your choice"), ...page.controls.map((item) => choice(item, ticked.includes(item.name)))),
      facts, trap,
      make("button", { type: "submit" }, page.button)
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      send(form, page, told);
    };
    root.lang = page.language;
    fill(strong(page.title), p(page.intro), form);
    return told;
  }

  function tell(form, told, message, errors) {
    for (const old of form.querySelectorAll(".mailer-error")) old.remove();
    for (const old of form.querySelectorAll("[aria-invalid]")) old.removeAttribute("aria-invalid");
    for (const [name, text] of Object.entries(errors || {})) {
      const input = form.elements[name];
      if (!input) continue;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", id(name) + "-error");
      input.parentNode.before(make("p", { id: id(name) + "-error", class: "mailer-error" }, text));
    }
    told.replaceChildren(p(message));
    told.focus();
  }

  // Whether another address was meant.
  function ask(form, page, told, said) {
    for (const [suggestion, text] of said.choices) {
      const node = make("button", { type: "button" }, text);
      node.onclick = () => send(form, page, told, { asked: said.asked, suggestion });
      told.append(p(node));
    }
  }

  async function send(form, page, told, extra) {
    if (busy) return;
    busy = true;
    const values = Object.fromEntries(new FormData(form));
    try {
      const answer = await fetch(base, {
        method: "POST", credentials: "omit", referrerPolicy: "origin",
        headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...values, ...extra, token: page.token }),
      });
      const said = await answer.json();
      if (answer.ok && !said.definition) {
        const done = make("div", { role: "status", tabindex: "-1" });
        fill(done);
        done.append(strong(said.title), ...said.texts.map((text) => p(text)));
        done.focus();
      } else if (said.definition) {
        const again = draw(said.definition, values, said.ticked);
        tell(again.closest("form"), again, said.message, said.errors);
      } else tell(form, told, said.message || said.detail, said.errors);
      if (said.choices) ask(form, page, told, said);
    } catch {
      tell(form, told, "This could not be sent just now. What you entered is kept; please try again.");
    }
    busy = false;
  }

  dress();
  fetch(base + "/definition.json?page=" + encodeURIComponent(location.origin + location.pathname), { credentials: "omit" })
    .then((answer) => (answer.ok ? answer.json() : answer.json().then((said) => Promise.reject(new Error(said.message || said.detail)))))
    .then((page) => draw(page, {}, []))
    .catch((error) => failed(error instanceof TypeError ? "The form cannot be shown here." : error.message));
})();
