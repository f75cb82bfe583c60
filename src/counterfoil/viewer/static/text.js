// Texts, for translation in one place: the page carries them.

let found;

/** A text by its name, with values in the places that it has for them. */
export function text(name, values = {}) {
  found ??= JSON.parse(document.getElementById("texts").textContent);
  return found[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

export const number = (value) => new Intl.NumberFormat(document.documentElement.lang).format(value);

export function moment(iso) {
  const zone = document.querySelector("[data-zone]")?.dataset.zone || "UTC";
  const form = { dateStyle: "medium", timeStyle: "medium", timeZone: zone };
  return new Intl.DateTimeFormat(document.documentElement.lang, form).format(new Date(iso));
}

/** Say something to those who do not see the page. */
export function say(said) {
  document.getElementById("say").textContent = said;
}

/** An element with classes and children; texts are texts, whatever they hold. */
export function make(tag, classes = "", ...children) {
  const element = document.createElement(tag);
  if (classes) element.className = classes;
  element.append(...children);
  return element;
}

export function icon(name, classes = "icon") {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", classes);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

/** JSON from the server; a session that has ended leads to the door. */
export async function fetchJson(address) {
  const answer = await fetch(address, { headers: { accept: "application/json" } });
  if (answer.status === 401) location.assign("/sign-in");
  const body = await answer.json();
  if (!answer.ok) throw Object.assign(new Error(body.message), body);
  return body;
}
