// Before and after as a tree: what changed stands out, what did not can be unfolded.

import { make, number, text } from "./text.js";

const load = () => import(new URL("vendor/jsondiffpatch.min.js", import.meta.url));
const MOST = 2000;

const isObject = (value) => value !== null && typeof value === "object";

const names = (value) => (isObject(value) ? Object.keys(value) : []);

/** JSON as one text, its unsafe characters as escapes, cut where it is long. */
function shown(value) {
  const json = typeof value === "string" ? value : JSON.stringify(value);
  const cut = json.length > MOST ? `${json.slice(0, MOST)}… (${number(json.length)})` : json;
  return cut.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Cn}\p{Co}\p{Zl}\p{Zp}]/gu, (char) => `\\u{${char.codePointAt(0).toString(16)}}`);
}

class Diff extends HTMLElement {
  async connectedCallback() {
    if (!this.dataset.states || this.done) return;
    this.done = true;
    const { before, after } = JSON.parse(this.dataset.states);
    const { create } = await load();
    const differ = create({ objectHash: (item) => item.id ?? item.name ?? JSON.stringify(item), arrays: { detectMove: false } });
    const delta = differ.diff(before ?? {}, after ?? {});
    const tree = make("div", "tree");
    this.unchanged = 0;
    tree.append(this.node(before ?? {}, after ?? {}, delta));
    this.append(tree);
    if (this.unchanged) this.append(this.unfold(tree));
  }

  unfold(tree) {
    const button = make("button", "button");
    button.type = "button";
    const tell = () => {
      const open = tree.classList.contains("all");
      button.setAttribute("aria-expanded", String(open));
      button.textContent = open ? text("diff_less") : `${text("diff_all")} (${number(this.unchanged)})`;
    };
    button.addEventListener("click", () => {
      tree.classList.toggle("all");
      tell();
    });
    tell();
    return button;
  }

  node(before, after, delta) {
    const list = make("ul");
    const all = [...new Set([...names(before), ...names(after)])];
    if (Array.isArray(before) && Array.isArray(after)) return this.items(list, before, after, delta);
    for (const name of all) list.append(this.member(name, before?.[name], after?.[name], delta?.[name]));
    return list;
  }

  items(list, before, after, delta) {
    for (const [key, change] of Object.entries(delta ?? {})) {
      if (key === "_t") continue;
      const gone = key.startsWith("_");
      const at = Number(gone ? key.slice(1) : key);
      const old = gone || !Array.isArray(change) ? before[at] : undefined;
      list.append(this.member(`[${at}]`, old, gone ? undefined : after[at], change));
    }
    const left = after.filter((_, at) => !(String(at) in (delta ?? {}))).length;
    if (left) {
      this.unchanged += left;
      list.append(make("li", "same", text("diff_unchanged", { count: number(left) })));
    }
    return list;
  }

  member(name, before, after, delta) {
    const label = make("span", "name", shown(name));
    if (delta === undefined) {
      this.unchanged += 1;
      return make("li", "same", label, make("code", "", shown(after)));
    }
    if (!Array.isArray(delta)) return make("li", "", label, this.node(before, after, delta));
    const item = make("li", "changed", label);
    if (delta.length !== 1) item.append(make("del", "", make("code", "", shown(delta[0]))));
    if (delta.length === 1) item.append(make("ins", "", make("code", "", shown(delta[0]))));
    if (delta.length === 2) item.append(make("ins", "", make("code", "", shown(delta[1]))));
    return item;
  }
}

customElements.define("counterfoil-diff", Diff);
