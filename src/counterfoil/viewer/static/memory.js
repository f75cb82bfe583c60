// What this browser remembers of each log: the last checkpoint that it saw. It is what makes a
// rewritten history show, so it stays when its reader signs out.

import { parseCheckpoint, isConsistent, equal, toBase64, fromBase64 } from "./proof.js";

const PREFIX = "counterfoil.checkpoint.";

export function remembered(log) {
  const held = localStorage.getItem(PREFIX + log);
  if (held === null) return null;
  const found = JSON.parse(held);
  return { ...found, root: fromBase64(found.root) };
}

export function remember(log, checkpoint, key) {
  const { origin, size, root } = checkpoint;
  const kept = { origin, size, root: toBase64(root), key, seen: new Date().toISOString() };
  localStorage.setItem(PREFIX + log, JSON.stringify(kept));
}

export const forget = (log) => localStorage.removeItem(PREFIX + log);

/**
 * Compare a log's checkpoint, whose signature was checked, with the remembered one, and remember
 * the newer. What was found out is first, same, grown or older, and else an alarm: fork, rollback,
 * key or origin; then nothing is remembered. The source has the log's name, and asks its server.
 */
export async function compare(source, checkpoint, key) {
  const log = source.name;
  const old = remembered(log);
  if (!old) {
    remember(log, checkpoint, key);
    return { found: "first" };
  }
  const told = { old: old.size, seen: old.seen, new: checkpoint.size };
  if (old.key !== key && old.origin === checkpoint.origin) return { found: "key", ...told };
  if (old.origin !== checkpoint.origin) return { found: "origin", ...told };
  if (checkpoint.size === old.size) {
    const same = equal(checkpoint.root, old.root);
    if (same) remember(log, checkpoint, key);
    return { found: same ? "same" : "fork", ...told };
  }
  let [smaller, larger] = [old, checkpoint];
  if (checkpoint.size < old.size) {
    // It may only be the older of two good ones: then the newest reaches as far as ours.
    const newest = parseCheckpoint((await source.checkpoint()).note);
    if (newest.size < old.size) return { found: "rollback", ...told, new: newest.size };
    [smaller, larger] = [checkpoint, old];
  }
  const hashes = (await source.consistency(smaller.size, larger.size)).map(fromBase64);
  const holds = await isConsistent(smaller.size, smaller.root, larger.size, larger.root, hashes);
  if (!holds) return { found: "fork", ...told };
  if (larger === checkpoint) remember(log, checkpoint, key);
  return { found: larger === checkpoint ? "grown" : "older", ...told };
}
