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

/** Copy what an element says; where the page may not, it is selected for its reader to copy. */
async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    say(text("copied"));
  } catch {
    getSelection().selectAllChildren(element);
    say(text("selected"));
  }
}

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
    await copy(document.getElementById(button.dataset.copy));
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

// The way back to the list leads to the search and the row that somebody came from.
const LIST = "counterfoil.list";
const OPENED = "counterfoil.opened";

document.addEventListener("click", (event) => {
  const list = event.target.closest("[data-back]") && sessionStorage.getItem(LIST);
  if (!list || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  sessionStorage.setItem(OPENED, location.pathname);
  location.assign(list);
}, true);

// What somebody searched for is theirs: it goes with them.
if (location.pathname === "/sign-in") sessionStorage.removeItem(LIST);

document.addEventListener("htmx:load", () => {
  if (location.pathname !== "/" || !document.getElementById("q")) return;
  sessionStorage.setItem(LIST, location.pathname + location.search);
  const opened = sessionStorage.getItem(OPENED);
  sessionStorage.removeItem(OPENED);
  rows().find((row) => row.getAttribute("href") === opened)?.focus();
});

// What could not be asked is said, since nothing else shows it.
document.addEventListener("htmx:sendError", () => say(text("offline")));

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
