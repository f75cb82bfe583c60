// The time line: counts by level from the server, drawn by uPlot; a range can be brushed with the
// pointer or chosen with the keyboard, and becomes since: and until: of the search.

import { number, say, text } from "./text.js";

const LEVELS = ["info", "warning", "error", "critical"];

let library;

/** uPlot is a plain script: loaded once, from our own files. */
function load() {
  library ??= new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = new URL("vendor/uplot.min.js", import.meta.url);
    script.addEventListener("load", () => done(globalThis.uPlot));
    script.addEventListener("error", failed);
    document.head.append(script);
  });
  return library;
}

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

class Timeline extends HTMLElement {
  async connectedCallback() {
    const data = JSON.parse(this.dataset.chart);
    const count = document.getElementById("count");
    if (count) count.textContent = this.dataset.count;
    this.place = this.querySelector(".plot");
    if (!data.starts.length) {
      this.querySelector("p").className = "none quiet";
      this.place.remove();
      return;
    }
    this.unit = data.unit;
    this.starts = data.starts;
    this.sums = data.starts.map((_, at) => LEVELS.reduce((sum, level) => sum + data.levels[level][at], 0));
    // Bars are drawn over one another, the highest first: each series is the sum up to its level.
    this.stacks = LEVELS.map((_, upTo) =>
      data.starts.map((_, at) => LEVELS.slice(0, upTo + 1).reduce((sum, level) => sum + data.levels[level][at], 0)),
    ).reverse();
    const uPlot = await load();
    if (!this.isConnected) return;
    this.draw(uPlot);
    this.redraw = () => this.draw(uPlot);
    this.sizes = new ResizeObserver(() => this.chart?.setSize(this.size()));
    this.sizes.observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", this.redraw);
    document.addEventListener("counterfoil:theme", this.redraw);
    this.place.addEventListener("keydown", (event) => this.key(event));
  }

  disconnectedCallback() {
    this.sizes?.disconnect();
    this.chart?.destroy();
    if (!this.redraw) return;
    matchMedia("(prefers-color-scheme: dark)").removeEventListener("change", this.redraw);
    document.removeEventListener("counterfoil:theme", this.redraw);
  }

  size() {
    return { width: this.place.clientWidth, height: this.place.clientHeight };
  }

  draw(uPlot) {
    this.chart?.destroy();
    const zone = this.dataset.zone;
    const ink = colour("--ink-3");
    const grid = { stroke: colour("--line"), width: 1 };
    const font = "11px system-ui, sans-serif";
    const bars = uPlot.paths.bars({ size: [0.86, 40], align: 1 });
    this.chart = new uPlot(
      {
        ...this.size(),
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1e3), zone),
        legend: { show: false },
        padding: [8, 8, 0, 0],
        cursor: { drag: { x: true, y: false, dist: 4 }, y: false, points: { show: false } },
        scales: {
          x: { range: () => [this.starts[0], this.starts.at(-1) + this.unit] },
          y: { range: (_, low, high) => [0, Math.max(1, high)] },
        },
        axes: [
          { stroke: ink, font, grid: { show: false }, ticks: grid, size: 26, space: 64, values: (_, ticks, __, ___, step) => this.ticks(ticks, step) },
          { stroke: ink, font, grid, ticks: { show: false }, size: 44, space: 28, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6, 1e7], values: (_, ticks) => ticks.map(number) },
        ],
        series: [
          {},
          ...[...LEVELS].reverse().map((level) => ({
            label: text(`level_${level}`),
            fill: colour(`--level-${level}`),
            width: 0,
            paths: bars,
            points: { show: false },
          })),
        ],
        hooks: { setSelect: [(chart) => this.brushed(chart)], setCursor: [(chart) => this.tell(chart)] },
      },
      [this.starts, ...this.stacks],
      this.place,
    );
  }

  /** Times under the axis: the clock, the day where it begins, or the month. */
  ticks(ticks, step) {
    const said = (seconds, form) =>
      new Intl.DateTimeFormat(document.documentElement.lang, { timeZone: this.dataset.zone, ...form }).format(new Date(seconds * 1e3));
    const day = { day: "numeric", month: "short" };
    return ticks.map((seconds) => {
      if (step >= 25 * 86400) return said(seconds, { month: "short", year: "numeric" });
      if (step >= 86400) return said(seconds, day);
      const clock = said(seconds, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
      return clock === "00:00" ? said(seconds, day) : clock;
    });
  }

  tell(chart) {
    const at = chart.cursor.idx;
    this.place.title = at === null || at === undefined ? "" : this.said(at);
  }

  said(at) {
    return text("range_counted", { count: number(this.sums[at]), first: this.label(this.starts[at]) });
  }

  label(seconds) {
    const form = { dateStyle: "medium", timeStyle: this.unit < 86400 ? "short" : undefined, timeZone: this.dataset.zone };
    return new Intl.DateTimeFormat(document.documentElement.lang, form).format(new Date(seconds * 1e3));
  }

  brushed(chart) {
    const { left, width } = chart.select;
    if (width < 4 || this.choosing) return;
    const first = chart.posToIdx(left);
    const last = chart.posToIdx(left + width);
    this.apply(Math.min(first, last), Math.max(first, last));
  }

  apply(first, last) {
    const iso = (seconds) => new Date(seconds * 1e3).toISOString().replace(/:00\.000Z$/, "Z");
    const query = new URLSearchParams({
      q: this.dataset.search,
      since: iso(this.starts[first]),
      until: iso(this.starts[last] + this.unit),
    });
    location.assign(`/range?${query}`);
  }

  key(event) {
    const last = this.starts.length - 1;
    const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity };
    if (event.key === "Enter" && this.at !== undefined) {
      event.preventDefault();
      this.apply(Math.min(this.from, this.at), Math.max(this.from, this.at));
    } else if (event.key === "Escape") {
      this.at = this.from = undefined;
      this.choose();
    } else if (event.key in steps) {
      event.preventDefault();
      const old = this.at ?? last + 1;
      this.at = Math.max(0, Math.min(last, old + steps[event.key]));
      if (!event.shiftKey || this.from === undefined) this.from = this.at;
      this.choose();
      const [first, end] = [Math.min(this.from, this.at), Math.max(this.from, this.at)];
      say(first === end ? this.said(first) : text("range_apply", { first: this.label(this.starts[first]), last: this.label(this.starts[end] + this.unit) }));
    }
  }

  choose() {
    this.choosing = true;
    if (this.at === undefined) {
      this.chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    } else {
      const first = this.starts[Math.min(this.from, this.at)];
      const end = this.starts[Math.max(this.from, this.at)] + this.unit;
      const left = this.chart.valToPos(first, "x");
      const width = Math.max(2, this.chart.valToPos(end, "x") - left);
      this.chart.setSelect({ left, width, top: 0, height: this.chart.over.clientHeight }, false);
    }
    this.choosing = false;
  }
}

customElements.define("counterfoil-timeline", Timeline);
