// What every page has: theme, time zone, keyboard, menus, confirmations.

import "./diff.js";
import "./live.js";
import "./timeline.js";
import "./verify.js";
import "./views.js";
import { say, text } from "./text.js";

const YEAR = 365 * 86400;
const THEMES = ["auto", "light", "dark"];

function keep(name, value) {
  const secure = location.protocol === "https:" ? "; secure" : "";
  document.cookie = `${name}=${value}; path=/; max-age=${YEAR}; samesite=strict${secure}`;
}

const local = () => Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";

const actions = {
  theme() {
    const root = document.documentElement;
    const next = THEMES[(THEMES.indexOf(root.dataset.theme) + 1) % THEMES.length];
    root.dataset.theme = next;
    keep("counterfoil-theme", next);
    say(text(`theme_${next}`));
    document.dispatchEvent(new Event("counterfoil:theme"));
  },
  zone(button) {
    keep("counterfoil-zone", button.dataset.zone === "UTC" ? local() : "UTC");
    location.reload();
  },
  help() {
    document.getElementById("help").showModal();
  },
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-action], [data-copy]");
  if (button?.dataset.action) actions[button.dataset.action](button);
  if (button?.dataset.copy) {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    say(text("copied"));
  }
  // A menu closes when something beside it is chosen.
  for (const menu of document.querySelectorAll("details.menu[open]"))
    if (!menu.contains(event.target)) menu.open = false;
});

document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !confirm(question)) {
    event.preventDefault();
    event.stopImmediatePropagation();
  }
}, true);

// Keyboard

const rows = () => [...document.querySelectorAll("[data-rows] .row .open")];

function move(step) {
  const all = rows();
  if (!all.length) return;
  const at = all.indexOf(document.activeElement);
  const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + step));
  all[next].focus();
  all[next].scrollIntoView({ block: "nearest" });
}

const click = (selector) => document.querySelector(selector)?.click();
const inList = () => document.activeElement?.matches("[data-rows] .row .open");

const keys = {
  "/": () => document.getElementById("q")?.select(),
  j: () => move(1),
  k: () => move(-1),
  n: () => click("[data-key=n]"),
  p: () => click("[data-key=p]"),
  l: () => click("[data-live]"),
  v: () => click("[data-verify], [data-check]"),
  u: () => click("[data-back]"),
  "?": () => actions.help(),
  "g e": () => location.assign("/"),
  "g i": () => location.assign("/integrity"),
};

let pending = "";

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === "Escape") {
    const menu = document.querySelector("details.menu[open]");
    if (menu) {
      menu.open = false;
      menu.querySelector("summary").focus();
    } else if (event.target.id === "q") event.target.blur();
    return;
  }
  const typing = event.target.matches("input, select, textarea, [contenteditable]");
  if (typing || document.querySelector("dialog[open]")) return;
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    if (!inList()) return;
    event.preventDefault();
    move(event.key === "ArrowDown" ? 1 : -1);
    return;
  }
  const pressed = pending ? `${pending} ${event.key}` : event.key;
  pending = event.key === "g" && !pending ? "g" : "";
  if (!(pressed in keys)) return;
  event.preventDefault();
  keys[pressed]();
});

// After a part of the page was replaced, its reader goes on from its beginning.
document.addEventListener("submit", (event) => {
  if ("search" in event.target.dataset) document.activeElement?.blur();
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.id !== "main" || document.activeElement !== document.body) return;
  event.target.focus({ preventScroll: true });
});

// What stands beside the list on a wide screen is folded away on a narrow one.
document.addEventListener("htmx:load", (event) => {
  for (const part of event.target.querySelectorAll("[data-wide-open]"))
    part.open = matchMedia("(min-width: 62rem)").matches;
});

// The first visit settles the time zone: local, until its reader says otherwise.
if (!/(^|; )counterfoil-zone=/.test(document.cookie)) {
  keep("counterfoil-zone", local());
}
