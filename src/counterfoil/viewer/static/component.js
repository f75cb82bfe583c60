// <counterfoil-viewer>: a company's events in a page of an application's own.
//
// Everything that comes from events is put into the page as text. The token is kept in memory,
// and is sent in a header, never in an address.

import { check, checkEvent } from "./check.js";
import { icons, style, texts } from "./embedded.js";
import { icon, make, moment, provide, text } from "./text.js";

const PAGE = 25;
const MOST = 500;
// Milliseconds: before its end a token is replaced; for so long a new one is waited for.
const EARLY = 60_000;
const PATIENCE = 10_000;
const AGAIN = 3_000;
const OURS = ["cursor", "limit", "order", "include", "after"];
const FIELDS = ["user_id", "on_behalf_of", "impersonator", "resource", "outcome", "level", "type", "ip_address", "occurred_at", "recorded_at", "id"];
const TIMES = ["occurred_at", "recorded_at"];
const TROUBLES = {
  expired: ["embed.expired", "embed.expired_text"],
  away: ["embed.away", "embed.away_text"],
  refused: ["embed.refused", "embed.refused_text"],
};
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}]/gu;
const LONGEST = 20_000;

const sheet = new CSSStyleSheet();
sheet.replaceSync(style);

/** Text from an event: characters that act are shown as escapes, except line ends of our JSON. */
function harmless(value) {
  const cut = value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value;
  return cut.replace(UNSAFE, (char) => (char === "\n" ? char : `\\u{${char.codePointAt(0).toString(16)}}`));
}

function button(label, act, classes = "button") {
  const made = make("button", classes, label);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

function drawn([tag, attributes, parts]) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...parts.map(drawn));
  return element;
}

/** Once the scripts of the page have run, which say where tokens come from. */
function ready() {
  if (document.readyState === "complete") return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("DOMContentLoaded", resolve, { once: true });
    addEventListener("load", resolve, { once: true });
  });
}

class Viewer extends HTMLElement {
  static observedAttributes = ["server", "query", "locale"];

  #provider = null;
  #token = "";
  #expires = 0;
  #waiting = null;
  #renewing = null;
  #timer = 0;
  #ended = null;
  #cursor = null;
  #end = null;

  constructor() {
    super();
    const root = this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = [sheet];
    this.status = make("p", "unseen");
    this.status.setAttribute("role", "status");
    this.main = make("div", "viewer");
    this.main.lang = "en";
    const sprite = drawn(["svg", { class: "sprite", "aria-hidden": "true" }, icons]);
    root.append(sprite, this.status, this.main);
  }

  connectedCallback() {
    // What was set before this file had been loaded.
    for (const name of ["token", "tokenProvider"]) {
      if (!Object.hasOwn(this, name)) continue;
      const given = this[name];
      delete this[name];
      this[name] = given;
    }
    this.#skeleton();
    ready().then(() => this.isConnected && this.restart());
  }

  disconnectedCallback() {
    this.#ended?.abort();
    clearTimeout(this.#timer);
  }

  attributeChangedCallback(name, old, value) {
    if (this.#ended && old !== value && this.isConnected) this.restart();
  }

  get token() {
    return this.#token;
  }

  set token(given) {
    this.#take(given);
    this.#given();
  }

  get tokenProvider() {
    return this.#provider;
  }

  /** Gives a new token, or a promise of one: a text, or the answer of POST /v1/viewer-tokens. */
  set tokenProvider(given) {
    this.#provider = typeof given === "function" ? given : null;
    this.#given();
  }

  #given() {
    this.#waiting?.(true);
    this.#waiting = null;
    if (this.stopped && this.isConnected) this.restart();
  }

  get server() {
    const given = this.getAttribute("server") || new URL(import.meta.url).origin;
    return given.replace(/\/+$/, "");
  }

  /** Load the list anew. */
  async restart() {
    this.#ended?.abort();
    const ended = (this.#ended = new AbortController());
    this.stopped = false;
    this.#skeleton();
    try {
      if (!this.#token && !(await this.#renew())) return this.#trouble("expired");
      const session = await this.#ask("/v1/session");
      this.#schedule(session.expires_at);
      const page = await this.#page();
      if (ended.signal.aborted) return undefined;
      this.rows.replaceChildren();
      this.rows.removeAttribute("aria-busy");
      this.#add(page);
      this.#end = page.end_cursor;
      if (this.getAttribute("live") !== "off") this.#follow(ended);
    } catch (error) {
      if (!ended.signal.aborted) this.#failed(error);
    }
    return undefined;
  }

  /** The list's place, so that nothing jumps once it comes. */
  #skeleton() {
    provide(texts, this.#locale());
    this.#listed();
    this.rows.append(...Array.from({ length: 8 }, () => make("li", "bone")));
    this.rows.setAttribute("aria-busy", "true");
  }

  #locale() {
    try {
      return Intl.getCanonicalLocales(this.getAttribute("locale") || navigator.language)[0];
    } catch {
      return "en";
    }
  }

  #take(given) {
    const found = given && typeof given === "object" ? given : { token: given };
    this.#token = typeof found.token === "string" ? found.token : "";
    if (found.expires_at) this.#schedule(found.expires_at);
  }

  #schedule(expires) {
    clearTimeout(this.#timer);
    this.#expires = Date.parse(expires);
    const left = this.#expires - Date.now();
    this.#timer = setTimeout(() => this.#renew(), Math.max(left - Math.min(EARLY, left / 4), 1_000));
  }

  /** Get a new token, once for all who need it; whether there is one. */
  #renew() {
    this.#renewing ??= this.#renewed().finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  async #renewed() {
    const old = this.#token;
    if (!this.#provider) {
      const came = new Promise((resolve) => {
        this.#waiting = resolve;
        setTimeout(() => resolve(false), PATIENCE);
      });
      this.dispatchEvent(new CustomEvent("refresh", { bubbles: true, composed: true }));
      if (!(await came)) return false;
    }
    if (this.#provider) {
      try {
        this.#take(await this.#provider());
      } catch {
        return false;
      }
    }
    return Boolean(this.#token) && this.#token !== old;
  }

  #send(path, parameters, signal) {
    const query = new URLSearchParams(parameters).toString();
    return fetch(`${this.server}${path}${query ? `?${query}` : ""}`, {
      headers: { authorization: `Bearer ${this.#token}` },
      credentials: "omit",
      referrerPolicy: "no-referrer",
      cache: "no-store",
      signal,
    });
  }

  async #ask(path, parameters = []) {
    const signal = this.#ended.signal;
    let answer = await this.#send(path, parameters, signal);
    if (answer.status === 401 && (await this.#renew())) answer = await this.#send(path, parameters, signal);
    const body = await answer.json();
    if (answer.ok) return body;
    throw Object.assign(new Error([body.title, body.detail].filter(Boolean).join(" ")), { status: answer.status });
  }

  #filters() {
    const given = new URLSearchParams(this.getAttribute("query") || "");
    for (const name of OURS) given.delete(name);
    return [...given, ["include", "wording"]];
  }

  #page() {
    const place = this.#cursor ? [["cursor", this.#cursor]] : [];
    return this.#ask("/v1/events", [...this.#filters(), ["limit", PAGE], ...place]);
  }

  #listed() {
    this.#cursor = null;
    this.rows = make("ol", "rows");
    this.rows.setAttribute("aria-label", text("embed.events"));
    this.note = make("p", "live", text("embed.live"));
    this.more = button(text("embed.older"), () => this.#older());
    this.more.hidden = true;
    this.list = make("div", "list", this.note, this.rows, this.more);
    this.main.replaceChildren(this.list);
  }

  #add(page) {
    this.rows.append(...page.events.map((event) => this.#row(event)));
    this.#cursor = page.next_cursor;
    this.more.hidden = !page.next_cursor;
    this.#empty();
  }

  #empty() {
    this.list.querySelector(".empty")?.remove();
    if (this.rows.childElementCount) return;
    this.rows.after(make("div", "empty", make("p", "", make("strong", "", text("embed.none"))), make("p", "", text("embed.none_text"))));
  }

  async #older() {
    this.more.disabled = true;
    const last = this.rows.lastElementChild;
    try {
      this.#add(await this.#page());
      last?.nextElementSibling?.querySelector("button").focus();
    } catch (error) {
      this.#failed(error);
    }
    this.more.disabled = false;
  }

  #row(event) {
    const sign = icon(event.level, `icon ${event.level}`);
    const said = make("span", "said", harmless(event.wording.sentence));
    const open = button(sign, () => this.#open(event, open), "open");
    const when = make("time", "", moment(event.recorded_at));
    when.dateTime = event.recorded_at;
    if (event.level !== "info") open.append(make("span", "unseen", `${text(`level.${event.level}`)}: `));
    open.append(said, when);
    const row = make("li", "", open);
    row.dataset.id = event.id;
    return row;
  }

  #open(event, opener) {
    const back = button(text("embed.back"), () => {
      this.main.replaceChildren(this.list);
      opener.focus();
    });
    const title = make("h2", "", harmless(event.wording.sentence));
    title.tabIndex = -1;
    const place = make("div", "result");
    place.setAttribute("role", "status");
    const verify = button(text("embed.verify"), () => this.#verify(event, place, verify), "button strong");
    const proof = make("section", "", make("h3", "", text("embed.proof")), make("p", "quiet", text("verify.intro")), verify, place);
    const parts = [this.#changes(event), this.#fields(event), this.#json(event), proof];
    this.main.replaceChildren(make("article", "event", back, title, ...parts.filter(Boolean)));
    title.focus();
  }

  #changes(event) {
    if (!event.wording.changes.length) return null;
    const names = ["field", "before", "after"].map((name) => {
      const head = make("th", "", text(`diff.${name}`));
      head.scope = "col";
      return head;
    });
    const rows = event.wording.changes.map((change) => {
      const head = make("th", "", harmless(change.field));
      head.scope = "row";
      const cell = (tag, value) => make("td", "", value === undefined ? text("diff.none") : make(tag, "", harmless(value)));
      return make("tr", "", head, cell("del", change.before), cell("ins", change.after));
    });
    const table = make("table", "", make("thead", "", make("tr", "", ...names)), make("tbody", "", ...rows));
    return make("section", "", make("h3", "", text("event.changes")), table);
  }

  #fields(event) {
    const resource = [event.resource_type, event.resource_id].filter(Boolean).join("/");
    const values = { ...event, resource };
    const lines = FIELDS.filter((name) => values[name]).map((name) => {
      const said = TIMES.includes(name) ? moment(values[name]) : harmless(String(values[name]));
      return make("div", "", make("dt", "", text(`field.${name}`)), make("dd", "", said));
    });
    return make("section", "", make("h3", "", text("event.context")), make("dl", "", ...lines));
  }

  #json(event) {
    if (event.details === undefined || event.details === null) return null;
    const code = make("pre", "", harmless(JSON.stringify(event.details, null, 2)));
    code.tabIndex = 0;
    code.setAttribute("role", "group");
    code.setAttribute("aria-label", text("event.details"));
    return make("section", "", make("h3", "", text("event.details")), code);
  }

  #verify(event, place, control) {
    return check(place, control, async (result) => {
      const found = await this.#ask(`/v1/events/${event.id}/proof`);
      const { log, verifier_key: key } = found.checkpoint;
      const { wording, ...shown } = event;
      const evidence = { event: shown, proof: found.tlog_proof, disclosures: found.disclosures, key };
      const source = {
        name: `${this.server} ${log}`,
        checkpoint: () => this.#ask("/v1/checkpoint", { log }),
        consistency: async (old, size) => (await this.#ask("/v1/consistency", { log, old, new: size })).hashes,
      };
      return checkEvent(result, event.id, evidence, shown, source);
    });
  }

  async #follow(ended) {
    while (!ended.signal.aborted) {
      try {
        const answer = await this.#send("/v1/stream", [...this.#filters(), ["after", this.#end]], ended.signal);
        if (answer.status === 401 && !(await this.#renew())) return this.#trouble("expired");
        if (answer.ok) await this.#read(answer, ended);
        else if (answer.status < 500 && answer.status !== 401 && answer.status !== 429) return undefined;
      } catch {
        // The connection is gone, or we are: it is tried again where it was.
      }
      this.note.classList.remove("on");
      if (!ended.signal.aborted) await new Promise((resolve) => setTimeout(resolve, AGAIN));
    }
    return undefined;
  }

  async #read(answer, ended) {
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let held = "";
    this.note.classList.add("on");
    for (;;) {
      const { value, done } = await reader.read();
      if (done || ended.signal.aborted) return;
      const blocks = (held + value).split("\n\n");
      held = blocks.pop();
      for (const block of blocks) this.#arrived(block);
    }
  }

  #arrived(block) {
    const lines = block.split("\n").map((line) => /^(\w+): ?(.*)$/.exec(line) || []);
    const fields = Object.fromEntries(lines.map(([, name, value]) => [name, value]));
    if (fields.id) this.#end = fields.id;
    if (!fields.data || fields.event) return;
    const event = JSON.parse(fields.data);
    if ([...this.rows.children].some((row) => row.dataset.id === event.id)) return;
    this.rows.prepend(this.#row(event));
    while (this.rows.childElementCount > MOST) this.rows.lastElementChild.remove();
    this.#empty();
    this.status.textContent = harmless(event.wording.sentence);
  }

  #failed(error) {
    if (error.status === 401) return this.#trouble("expired");
    return this.#trouble(error.status ? "refused" : "away", error.status ? error.message : "");
  }

  #trouble(name, more = "") {
    this.#ended.abort();
    this.stopped = true;
    const [title, remedy] = TROUBLES[name];
    const said = make("div", "", make("p", "", make("strong", "", text(title))), make("p", "", harmless(more || text(remedy))));
    const notice = make("div", "notice", icon("note"), said, button(text("embed.again"), () => {
      if (name === "expired") this.#token = "";
      this.restart();
    }));
    notice.setAttribute("role", "alert");
    this.main.replaceChildren(notice);
  }
}

customElements.define("counterfoil-viewer", Viewer);
