// Inside a frame: tells the website around it how tall the form is, and nobody else.
"use strict";
{
  const parentOrigin = document.currentScript.dataset.parent;
  const tell = () => parent.postMessage({ mailerFormHeight: Math.ceil(document.documentElement.getBoundingClientRect().height) }, parentOrigin);
  new ResizeObserver(tell).observe(document.body);
}
