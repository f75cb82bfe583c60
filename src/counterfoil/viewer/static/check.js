// What a browser checks of an event and of a checkpoint, told step by step.

import * as proofs from "./proof.js";
import { compare } from "./memory.js";
import { icon, make, moment, number, text } from "./text.js";

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

export async function checkSignature(result, checkpoint, keyText) {
  const key = await proofs.parseKey(keyText);
  const signed = await proofs.isSigned(checkpoint, key);
  result.unsigned = signed === null;
  if (signed === null) return result.add("note", text("step_signature_none"));
  return result.add(signed ? "good" : "bad", text(signed ? "step_signature" : "step_signature_bad"));
}

export async function checkMemory(result, checkpoint, keyText, source) {
  const told = await compare(source, checkpoint, keyText);
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

/** Check an event as it is shown; the source answers what the memory asks. True is an alarm. */
export async function checkEvent(result, id, evidence, shown, source) {
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
    return checkMemory(result, checkpoint, evidence.key, source);
  return false;
}

/** Runs a check; whatever goes wrong is told in the place for the result. */
export async function check(place, button, steps) {
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
    alarm = await steps(result);
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
