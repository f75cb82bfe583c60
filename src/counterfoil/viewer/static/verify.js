// The Verify button of an event, and the check of the checkpoint on the integrity page.

import { check, checkEvent, checkMemory, checkSignature } from "./check.js";
import { forget, remembered } from "./memory.js";
import { parseCheckpoint } from "./proof.js";
import { fetchJson, make, moment, number, text } from "./text.js";

/** What the memory of a log asks of this server. */
function sourceOf(log) {
  const name = encodeURIComponent(log);
  return {
    name: log,
    checkpoint: () => fetchJson(`/data/checkpoint?log=${name}`),
    consistency: (old, size) => fetchJson(`/data/consistency?log=${name}&old=${old}&new=${size}`),
  };
}

class Verify extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("[data-verify]");
    const place = this.querySelector(".result");
    button.addEventListener("click", () =>
      check(place, button, async (result) => {
        const evidence = await fetchJson(`/data/events/${this.dataset.event}/evidence`);
        const shown = JSON.parse(this.dataset.shown);
        return checkEvent(result, this.dataset.event, evidence, shown, sourceOf(evidence.log));
      }),
    );
  }
}

class Checkpoint extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("[data-check]");
    const place = this.querySelector(".result");
    this.tell();
    button.addEventListener("click", async () => {
      await check(place, button, async (result) => {
        const log = this.dataset.log;
        const source = sourceOf(log);
        const told = await source.checkpoint();
        const checkpoint = parseCheckpoint(told.note);
        if (!(await checkSignature(result, checkpoint, told.key))) return false;
        return checkMemory(result, checkpoint, told.key, source);
      });
      this.tell();
    });
  }

  tell() {
    const place = this.querySelector("[data-remembered]");
    const known = remembered(this.dataset.log);
    if (!known) {
      place.replaceChildren(make("p", "quiet", text("remembered_none")));
      return;
    }
    const drop = make("button", "button", text("forget"));
    drop.type = "button";
    drop.addEventListener("click", () => {
      if (!confirm(text("forget_sure"))) return;
      forget(this.dataset.log);
      this.tell();
    });
    const said = text("remembered", { size: number(known.size), seen: moment(known.seen) });
    place.replaceChildren(make("p", "quiet", `${said} `), drop);
  }
}

customElements.define("counterfoil-verify", Verify);
customElements.define("counterfoil-checkpoint", Checkpoint);
