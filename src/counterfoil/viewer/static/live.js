// Live tail: events appear at the top as they are recorded.

import { number, say, text } from "./text.js";

// Rows that a page keeps; older ones go at the bottom.
const MOST = 500;

class Live extends HTMLElement {
  connectedCallback() {
    this.button = this.querySelector("[data-live]");
    this.after = this.dataset.after;
    this.button.addEventListener("click", () => this.toggle());
  }

  disconnectedCallback() {
    this.stop();
  }

  toggle() {
    if (this.source) {
      this.stop();
      say(text("live_off"));
    } else {
      this.start();
      say(text("live_on"));
    }
  }

  start() {
    const query = new URLSearchParams({ q: this.dataset.search, after: this.after });
    this.source = new EventSource(`/live?${query}`);
    this.source.addEventListener("row", (event) => this.take(event));
    this.source.addEventListener("open", () => (this.dataset.state = "on"));
    this.source.addEventListener("error", () => this.lost());
    this.button.setAttribute("aria-pressed", "true");
  }

  stop() {
    this.source?.close();
    this.source = null;
    delete this.dataset.state;
    this.button?.setAttribute("aria-pressed", "false");
  }

  lost() {
    if (this.dataset.state !== "lost") say(text("live_lost"));
    this.dataset.state = "lost";
    if (this.source.readyState !== EventSource.CLOSED) return;
    // The browser has given up, as it does where it is refused: begin again where we were.
    this.stop();
    fetch("/data/checkpoint").then((answer) => {
      if (answer.status === 401) location.reload();
      else if (this.isConnected) setTimeout(() => this.start(), 2000);
    }, () => setTimeout(() => this.isConnected && this.start(), 5000));
  }

  take(event) {
    this.after = event.lastEventId;
    const { html } = JSON.parse(event.data);
    const list = this.list();
    const holder = document.createElement("template");
    // Made by the server from a template that escapes everything, like the page itself.
    holder.innerHTML = html;
    const row = holder.content.firstElementChild;
    if (document.getElementById(row.id)) return;
    list.prepend(row);
    const rows = document.querySelectorAll("[data-rows] .row");
    for (const old of [...rows].slice(MOST)) old.remove();
    this.count = (this.count ?? 0) + 1;
    this.button.querySelector(".new")?.remove();
    const badge = document.createElement("span");
    badge.className = "new";
    badge.textContent = text("live_new", { count: number(this.count) });
    this.button.append(badge);
  }

  list() {
    const place = document.querySelector("[data-rows]");
    let list = place.querySelector("[data-fresh]");
    if (!list) {
      place.querySelector("[data-empty]")?.remove();
      list = document.createElement("ol");
      list.className = "rows";
      list.dataset.fresh = "";
      place.prepend(list);
    }
    return list;
  }
}

customElements.define("counterfoil-live", Live);
