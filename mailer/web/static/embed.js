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
  const strong = (text) => make("p", {}, make("strong", {}, text));

  // Works where inline styles do not.
  function dress() {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(
        ".mailer-form{max-width:36rem;line-height:1.5;p,dl,fieldset{margin:0 0 1em}fieldset{border:0;padding:0}" +
          "input:not([type=checkbox]){display:block;box-sizing:border-box;width:100%;min-height:44px;padding:.5em;font:inherit}" +
          ".mailer-choice{display:grid;grid-template-columns:1.75em 1fr;padding:.375em 0}[type=checkbox]{width:24px;height:24px;margin:0}" +
          "button{min-height:44px;padding:.5em 1.25em;font:inherit;font-weight:600}dt,.mailer-error{font-weight:600}dd{margin:0 0 .5em}[aria-invalid]{outline:2px solid}}"
      );
      document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
    } catch {
      // Older browsers use the page's styles.
    }
  }

  function failed(text) {
    root.replaceChildren(make("p", {}, text + " ", link(base, "Open the form on its own page")));
  }

  const id = (name) => "mailer-" + base.slice(-8) + "-" + name;

  function field(item, value) {
    const input = make("input", {
      id: id(item.name), name: item.name, type: item.type || "text", inputmode: item.type, value,
      required: item.is_required, autocomplete: item.autocomplete, maxlength: item.type ? 254 : 120,
    });
    return make("p", {}, make("label", { for: id(item.name) }, item.label + (item.is_required ? " (required)" : "")), input);
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
    const address = { name: "address", label: "E-mail address", type: "email", autocomplete: "email", is_required: true };
    const trap = make("div", { hidden: true, "aria-hidden": "true" }, make("input", { name: page.honeypot, tabindex: "-1", autocomplete: "off" }));
    const fact = (term, told) => [make("dt", {}, term), make("dd", {}, told)];
    const facts = make("dl", {}, ...page.slots.flatMap((slot) => fact(slot.heading, slot.text)), ...fact("All of it", link(page.notice_url, "Privacy notice of " + page.organisation)));
    const form = make(
      "form", { novalidate: true, "aria-label": page.title },
      told,
      ...[address, ...page.fields].map((item) => field(item, values[item.name] || "")),
      make("fieldset", {}, make("legend", {}, "Your choice"), ...page.controls.map((item) => choice(item, ticked.includes(item.name)))),
      facts, trap,
      make("button", { type: "submit" }, page.button)
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form, page, told);
    });
    root.lang = page.language;
    root.replaceChildren(strong(page.title), make("p", {}, page.intro), form);
    return told;
  }

  function tell(form, told, message, errors) {
    for (const old of form.querySelectorAll(".mailer-error")) old.remove();
    for (const old of form.querySelectorAll("[aria-invalid]")) for (const name of ["aria-invalid", "aria-describedby"]) old.removeAttribute(name);
    for (const [name, text] of Object.entries(errors || {})) {
      const input = form.elements[name];
      if (!input) continue;
      input.setAttribute("aria-invalid", "true");
      input.setAttribute("aria-describedby", id(name) + "-error");
      input.parentNode.before(make("p", { id: id(name) + "-error", class: "mailer-error" }, text));
    }
    told.replaceChildren(make("p", {}, message));
    told.focus();
  }

  async function send(form, page, told) {
    if (busy) return;
    busy = true;
    const values = Object.fromEntries(new FormData(form));
    try {
      const answer = await fetch(base, {
        method: "POST", credentials: "omit", referrerPolicy: "origin",
        headers: { "Content-Type": "application/json" }, body: JSON.stringify({ ...values, token: page.token }),
      });
      const said = await answer.json();
      if (answer.ok && !said.definition) {
        const done = make("div", { role: "status", tabindex: "-1" });
        root.replaceChildren(done);
        done.append(strong("Check your inbox"), make("p", {}, said.message), make("p", {}, "The link in the mail is valid for " + said.days + (said.days === 1 ? " day." : " days.")));
        done.focus();
      } else if (said.definition) {
        const again = draw(said.definition, values, said.ticked);
        tell(again.closest("form"), again, said.message, said.errors);
      } else tell(form, told, said.message || said.detail, said.errors);
    } catch {
      tell(form, told, "This could not be sent just now. What you entered is kept; please try again.");
    }
    busy = false;
  }

  dress();
  const here = location.origin + location.pathname;
  fetch(base + "/definition.json?page=" + encodeURIComponent(here), { credentials: "omit" })
    .then((answer) => (answer.ok ? answer.json() : answer.json().then((said) => Promise.reject(new Error(said.message || said.detail)))))
    .then((page) => draw(page, {}, []))
    .catch((error) => failed(error instanceof TypeError ? "The form cannot be shown here." : error.message));
})();
