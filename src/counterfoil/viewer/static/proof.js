// Proofs, checked in the browser: RFC 6962 trees, C2SP signed notes, checkpoints and proof files.
// Nothing here trusts the server, and nothing here touches the page.

/** A proof, note or checkpoint that is not of the standard's form, or does not hold. */
export class Refused extends Error {}

export const hasCrypto = () => Boolean(globalThis.crypto && globalThis.crypto.subtle);

const refuse = (what) => {
  throw new Refused(what);
};

export async function sha256(...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const data = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", data));
}

export const leafHash = (entry) => sha256(Uint8Array.of(0), entry);
export const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

export const equal = (one, other) =>
  one.length === other.length && one.every((byte, at) => byte === other[at]);

const utf8 = (data) => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    return refuse("not UTF-8");
  }
};

/** Standard base64 with padding; only the one text that encodes the bytes is taken. */
export function fromBase64(text) {
  let raw;
  try {
    raw = atob(text);
  } catch {
    return refuse("not base64");
  }
  if (btoa(raw) !== text) refuse("not base64");
  return Uint8Array.from(raw, (char) => char.charCodeAt(0));
}

export function fromBase64Url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) refuse("not base64url");
  const plain = text.replaceAll("-", "+").replaceAll("_", "/");
  return fromBase64(plain + "=".repeat((4 - (plain.length % 4)) % 4));
}

export const toBase64 = (data) => btoa(String.fromCharCode(...data));
const toBase64Url = (data) =>
  toBase64(data).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");

function hash(text) {
  const data = fromBase64(text);
  return data.length === 32 ? data : refuse("not a hash of 32 bytes");
}

function decimal(text) {
  // Sizes stay below 2^53; bit operations on them must not be used.
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text)) refuse("not a whole number");
  return Number(text);
}

const half = (number) => Math.floor(number / 2);

/** The root to which an entry's leaf hash leads (RFC 9162 section 2.1.3.2). */
export async function rootOfInclusion(leaf, index, size, hashes) {
  if (!(index >= 0 && index < size)) refuse("the index is not below the size");
  let node = leaf;
  let place = index;
  let last = size - 1;
  for (const sibling of hashes) {
    if (last === 0) refuse("the proof is too long");
    if (place % 2 === 1 || place === last) {
      node = await nodeHash(sibling, node);
      while (place % 2 === 0 && place !== 0) {
        place = half(place);
        last = half(last);
      }
    } else {
      node = await nodeHash(node, sibling);
    }
    place = half(place);
    last = half(last);
  }
  if (last !== 0) refuse("the proof is too short");
  return node;
}

/** Whether a tree of `old` leaves is the beginning of one of `size` (RFC 9162 section 2.1.4.2). */
export async function isConsistent(old, oldRoot, size, root, hashes) {
  if (old > size) return false;
  if (old === size) return hashes.length === 0 && equal(oldRoot, root);
  if (old === 0) return hashes.length === 0 && equal(oldRoot, await sha256());
  if (hashes.length === 0) return false;
  const path = [...hashes];
  // A tree of a power of two is itself the first node.
  let power = old;
  while (power % 2 === 0) power /= 2;
  if (power === 1) path.unshift(oldRoot);
  let place = old - 1;
  let last = size - 1;
  while (place % 2 === 1) {
    place = half(place);
    last = half(last);
  }
  let first = path[0];
  let second = path[0];
  for (const node of path.slice(1)) {
    if (last === 0) return false;
    if (place % 2 === 1 || place === last) {
      first = await nodeHash(node, first);
      second = await nodeHash(node, second);
      while (place % 2 === 0 && place !== 0) {
        place = half(place);
        last = half(last);
      }
    } else {
      second = await nodeHash(second, node);
    }
    place = half(place);
    last = half(last);
  }
  return last === 0 && equal(first, oldRoot) && equal(second, root);
}

/** A verifier key's text, `name+hex(key id)+base64(type || key)`; its id is checked. */
export async function parseKey(text) {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+(.+)$/.exec(text) || refuse("not a verifier key");
  const [, name, id] = found;
  const data = fromBase64(found[3]);
  if (data[0] !== 1 || data.length !== 33) refuse("not an Ed25519 key");
  const digest = await sha256(new TextEncoder().encode(`${name}\n`), data);
  const stated = Uint8Array.from(id.match(/../g), (pair) => parseInt(pair, 16));
  if (!equal(digest.slice(0, 4), stated)) refuse("not the id of the key");
  return { name, id: stated, key: data.slice(1) };
}

/** A signed note with a checkpoint for its text: origin, size, root, and what signs it. */
export function parseCheckpoint(note) {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) refuse("not a signed note");
  const text = note.slice(0, split + 1);
  const lines = text.split("\n");
  if (lines.length !== 4 || !lines[0]) refuse("not a checkpoint");
  const signatures = note
    .slice(split + 2, -1)
    .split("\n")
    .map((line) => {
      const [, name, data] = /^\u2014 ([^\s+]+) (\S+)$/.exec(line) || refuse("not a signature");
      const bytes = fromBase64(data);
      if (bytes.length < 5) refuse("not a signature");
      return { name, id: bytes.slice(0, 4), signature: bytes.slice(4) };
    });
  return { origin: lines[0], size: decimal(lines[1]), root: hash(lines[2]), text, signatures };
}

/** Whether the key signed the checkpoint; null where this browser has no Ed25519. */
export async function isSigned(checkpoint, key) {
  const mine = checkpoint.signatures.find((one) => one.name === key.name && equal(one.id, key.id));
  if (checkpoint.origin !== key.name || !mine) return false;
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.key, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return null;
  }
  const text = new TextEncoder().encode(checkpoint.text);
  return crypto.subtle.verify({ name: "Ed25519" }, imported, mine.signature, text);
}

/** A proof file (C2SP tlog-proof v1) that carries its entry. */
export function parseProof(file) {
  const split = file.indexOf("\n\n");
  if (split < 0) refuse("not a proof file");
  const lines = file.slice(0, split).split("\n");
  if (lines.shift() !== "c2sp.org/tlog-proof@v1") refuse("not a proof file");
  if (!lines[0]?.startsWith("extra ")) refuse("the proof file has no entry");
  const entry = fromBase64(lines.shift().slice(6));
  if (!lines[0]?.startsWith("index ")) refuse("the proof file has no index");
  const index = decimal(lines.shift().slice(6));
  return { entry, index, hashes: lines.map(hash), checkpoint: parseCheckpoint(file.slice(split + 2)) };
}

/** The entry's members, and the values that the disclosures reveal, by name (RFC 9901). */
export async function reveal(entry, disclosures) {
  const members = JSON.parse(utf8(entry));
  const committed = members._sd;
  if (!Array.isArray(committed) || members._sd_alg !== "sha-256") refuse("no digests");
  const values = {};
  for (const text of disclosures) {
    const digest = toBase64Url(await sha256(new TextEncoder().encode(text)));
    if (!committed.includes(digest)) return { members, values, unmatched: true, withheld: 0 };
    const found = JSON.parse(utf8(fromBase64Url(text)));
    if (!Array.isArray(found) || found.length !== 3) refuse("not a disclosure");
    if (Object.hasOwn(values, found[1])) refuse("two disclosures of one name");
    values[found[1]] = unescaped(found[2]);
  }
  const withheld = committed.length - disclosures.length;
  return { members, values, unmatched: false, withheld };
}

/** An event's fields as its entry and disclosures say, under the names that a page shows. */
export function eventOf({ members, values }) {
  const actor = values.actor ?? {};
  const client = values.client ?? {};
  const state = values.state ?? {};
  const details = values.details ?? {};
  let metadata = details.metadata;
  if ("body" in values) metadata = { ...metadata, request_body: values.body };
  const subjects = Object.keys(values)
    .filter((name) => /^subject_\d+$/.test(name))
    .sort((one, other) => Number(one.slice(8)) - Number(other.slice(8)))
    .map((name) => values[name]);
  return {
    id: members.id,
    log: members.log,
    type: members.type,
    level: members.level,
    outcome: members.outcome,
    occurred_at: members.occurred_at,
    recorded_at: members.recorded_at,
    expires_at: members.expires_at,
    decays_at: members.decays_at,
    company_id: members.company_id,
    resource_type: members.resource_type,
    audit: members.audit,
    actor_kind: actor.kind,
    user_id: actor.user_id,
    on_behalf_of: values.on_behalf_of,
    impersonator: values.impersonator,
    subjects: subjects.length ? subjects : undefined,
    ip_address: client.ip_address,
    user_agent: client.user_agent,
    session_id: client.session_id,
    request_id: client.request_id,
    claims: client.claims,
    resource_id: values.resource?.resource_id,
    before_state: state.before_state,
    after_state: state.after_state,
    changes: state.changes,
    details: details.details,
    metadata,
    notes: details.notes,
  };
}

/** Names of the fields in which two events differ; what is null is as good as not there. */
export function differing(shown, proven) {
  const names = new Set([...Object.keys(shown), ...Object.keys(proven)]);
  names.delete("index");
  return [...names].filter((name) => canonical(shown[name]) !== canonical(proven[name]));
}

export function canonical(value) {
  if (value === undefined || value === null) return "null";
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (typeof value === "object") {
    const members = Object.keys(value).sort();
    return `{${members.map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
  }
  return JSON.stringify(value);
}

function unescaped(value) {
  if (Array.isArray(value)) return value.map(unescaped);
  if (value === null || typeof value !== "object") return value;
  const members = Object.entries(value).map(([name, item]) => [
    name.startsWith("~") ? name.slice(1) : name,
    unescaped(item),
  ]);
  return Object.fromEntries(members);
}
