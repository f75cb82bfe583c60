// The Verify button of an event, and the check of the checkpoint on the integrity page.

import * as proofs from "./proof.js";
import { compare, forget, remembered } from "./memory.js";
import { fetchJson, icon, make, moment, number, text } from "./text.js";

const STATES = { good: "good", bad: "bad", note: "note" };

/** The outcome of a check, step by step. */
class Result {
  constructor() {
    this.steps = [];
  }

  add(state, said) {
    this.steps.push([state, said]);
    return state !== STATES.bad;
  }

  has(state) {
    return this.steps.some(([one]) => one === state);
  }

  show(place, alarm) {
    const bad = this.has(STATES.bad);
    const partly = !bad && this.unsigned;
    const state = bad ? "bad" : partly ? "note" : "good";
    const title = text(alarm ? "verify_alarm" : bad ? "verify_bad" : partly ? "verify_partly" : "verify_ok");
    const head = make("p", "", make("strong", "", title));
    const list = make(
      "ol",
      "steps",
      ...this.steps.map(([one, said]) => make("li", one, icon(one), make("span", "", said))),
    );
    const notice = make("div", `notice ${state}${alarm ? " alarm" : ""}`, icon(state), make("div", "", head, list));
    if (bad) notice.setAttribute("role", "alert");
    place.replaceChildren(notice);
  }
}

async function checkSignature(result, checkpoint, keyText) {
  const key = await proofs.parseKey(keyText);
  const signed = await proofs.isSigned(checkpoint, key);
  result.unsigned = signed === null;
  if (signed === null) return result.add("note", text("step_signature_none"));
  return result.add(signed ? "good" : "bad", text(signed ? "step_signature" : "step_signature_bad"));
}

async function checkMemory(result, checkpoint, keyText, log) {
  const told = await compare(log, checkpoint, keyText, fetchJson);
  const values = {
    size: number(told.old ?? 0),
    old: number(told.old ?? 0),
    new: number(told.new ?? 0),
    seen: told.seen ? moment(told.seen) : "",
  };
  const bad = ["fork", "rollback", "key", "origin"].includes(told.found);
  const state = bad ? "bad" : told.found === "first" ? "note" : "good";
  result.add(state, text(`step_${told.found}`, values));
  return bad;
}

async function checkEvent(result, id, evidence, shown) {
  const proof = proofs.parseProof(evidence.proof);
  const { checkpoint } = proof;
  const revealed = await proofs.reveal(proof.entry, evidence.disclosures);
  const proven = proofs.eventOf(revealed);
  const ours = proven.id === id && evidence.event.index === proof.index;
  const place = { index: number(proof.index), size: number(checkpoint.size) };
  if (!result.add(ours ? "good" : "bad", text(ours ? "step_entry" : "step_entry_bad", place))) return false;
  if (revealed.unmatched) {
    result.add("bad", text("step_disclosures_bad"));
  } else {
    const counts = { count: number(evidence.disclosures.length), withheld: number(revealed.withheld) };
    result.add("good", text("step_disclosures", counts));
    const names = proofs.differing(shown, proven);
    if (names.length) result.add("bad", text("step_shown_bad", { names: names.join(", ") }));
    else result.add("good", text("step_shown"));
  }
  const root = await proofs.rootOfInclusion(
    await proofs.leafHash(proof.entry),
    proof.index,
    checkpoint.size,
    proof.hashes,
  );
  const leads = proofs.equal(root, checkpoint.root);
  const count = number(proof.hashes.length);
  result.add(leads ? "good" : "bad", text(leads ? "step_inclusion" : "step_inclusion_bad", { count }));
  if (await checkSignature(result, checkpoint, evidence.key))
    return checkMemory(result, checkpoint, evidence.key, evidence.log);
  return false;
}

/** Runs a check; whatever goes wrong is told in the place for the result. */
async function run(place, button, check) {
  if (!proofs.hasCrypto()) {
    const said = make("div", "", make("p", "", make("strong", "", text("verify_no_crypto"))), make("p", "", text("verify_no_crypto_text")));
    place.replaceChildren(make("div", "notice", icon("note"), said));
    return;
  }
  button.disabled = true;
  place.replaceChildren(make("p", "quiet", text("verify_running")));
  const result = new Result();
  let alarm = false;
  try {
    alarm = await check(result);
  } catch (error) {
    if (error.code === "altered") {
      result.add("bad", text("verify_refused"));
      result.add("bad", error.message);
    } else if (error instanceof proofs.Refused || error instanceof SyntaxError) {
      result.add("bad", text("step_malformed"));
    } else {
      result.add("bad", error.message || text("verify_offline"));
    }
  }
  result.show(place, alarm);
  button.disabled = false;
  button.textContent = text("verify_again");
  place.dataset.done = result.has("bad") ? "bad" : "good";
}

class Verify extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("[data-verify]");
    const place = this.querySelector(".result");
    button.addEventListener("click", () =>
      run(place, button, async (result) => {
        const evidence = await fetchJson(`/data/events/${this.dataset.event}/evidence`);
        const shown = JSON.parse(this.dataset.shown);
        return checkEvent(result, this.dataset.event, evidence, shown);
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
      await run(place, button, async (result) => {
        const log = this.dataset.log;
        const told = await fetchJson(`/data/checkpoint?log=${encodeURIComponent(log)}`);
        const checkpoint = proofs.parseCheckpoint(told.note);
        if (!(await checkSignature(result, checkpoint, told.key))) return false;
        return checkMemory(result, checkpoint, told.key, log);
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
