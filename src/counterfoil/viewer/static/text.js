// Texts, for translation in one place: the page carries them, or gives them.

let found;
let locale;

/** Texts and a locale of one's own, where the page is somebody else's. */
export function provide(texts, ours) {
  found = texts;
  locale = ours;
}

const language = () => locale ?? document.documentElement.lang;

/** A text by its name, with values in the places that it has for them. */
export function text(name, values = {}) {
  found ??= JSON.parse(document.getElementById("texts").textContent);
  return found[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);
}

export const number = (value) => new Intl.NumberFormat(language()).format(value);

export function moment(iso) {
  // In a page of somebody else's, the zone is the reader's.
  const zone = locale ? undefined : document.querySelector("[data-zone]")?.dataset.zone || "UTC";
  const form = { dateStyle: "medium", timeStyle: "medium", timeZone: zone };
  return new Intl.DateTimeFormat(language(), form).format(new Date(iso));
}

// Milliseconds for which what is said stands at the bottom of the page.
const SAID = 6000;
let saying;

/** Say something: shown for a while, and read out. */
export function say(said) {
  const place = document.getElementById("say");
  place.textContent = said;
  clearTimeout(saying);
  saying = setTimeout(() => place.replaceChildren(), SAID);
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
