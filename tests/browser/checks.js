({
  async module() {
    const viewer = [...document.scripts].find((one) => one.type === "module").src;
    return import(viewer.replace("viewer.js", "proof.js"));
  },

  async inclusion(cases) {
    const proof = await this.module();
    const bytes = proof.fromBase64;
    const wrong = [];
    for (const one of cases) {
      const path = one.path.map(bytes);
      const lead = (given) => proof.rootOfInclusion(bytes(one.leaf), one.index, one.size, given);
      const root = await lead(path);
      if (proof.toBase64(root) !== one.root) wrong.push(["good refused", one.index, one.size]);
      const bad = [[...path, bytes(one.root)]];
      if (path.length) bad.push(path.slice(1), path.map((item) => item.map((byte) => byte ^ 1)));
      for (const other of bad) {
        try {
          const found = await lead(other);
          if (proof.toBase64(found) === one.root) wrong.push(["bad taken", one.index, one.size]);
        } catch (error) {
          if (!(error instanceof proof.Refused)) wrong.push([String(error), one.index, one.size]);
        }
      }
    }
    return wrong;
  },

  async consistency(cases) {
    const proof = await this.module();
    const bytes = proof.fromBase64;
    const wrong = [];
    for (const one of cases) {
      const [old, root, path] = [bytes(one.oldRoot), bytes(one.root), one.path.map(bytes)];
      const holds = (...given) => proof.isConsistent(one.old, ...given);
      const flipped = (data) => data.map((byte) => byte ^ 1);
      if (!(await holds(old, one.size, root, path))) wrong.push(["good refused", one.old, one.size]);
      const bad = [
        [flipped(old), one.size, root, path],
        [old, one.size, root, [...path, root]],
      ];
      if (one.old < one.size) bad.push([old, one.size, flipped(root), path]);
      if (path.length) {
        bad.push([old, one.size, root, path.slice(1)], [old, one.size, root, path.map(flipped)]);
      }
      for (const other of bad) {
        if (await holds(...other)) wrong.push(["bad taken", one.old, one.size]);
      }
    }
    return wrong;
  },

  async notes({ note, forged, key, other }) {
    const proof = await this.module();
    const isRefused = async (call) => {
      try {
        await call();
        return false;
      } catch (error) {
        return error instanceof proof.Refused;
      }
    };
    const signed = async (text, by) =>
      proof.isSigned(proof.parseCheckpoint(text), await proof.parseKey(by));
    const damaged = ["", "a", "a\n\n", note.slice(0, -2), note.replace("\n", "")];
    damaged.push(note.replace("\n7\n", "\n07\n"), note.replace("=\n", "\n"));
    const refused = [];
    for (const text of damaged) refused.push(await isRefused(() => proof.parseCheckpoint(text)));
    const badKey = key.replace(/\+[0-9a-f]/, (found) => (found === "+0" ? "+1" : "+0"));
    refused.push(await isRefused(() => proof.parseKey(badKey)));
    return [await signed(note, key), await signed(forged, key), await signed(note, other), refused];
  },
})
