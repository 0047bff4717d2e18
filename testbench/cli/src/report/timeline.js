// Draws the timeline: in each row, for each bin of cycles, the parts of it that had each kind of activity.
// Wheel zooms at the pointer, dragging pans, a double click shows all; so do the keys + - arrows and 0.
"use strict";
{
  const { bin_cycles, cycles, launches, rows } = JSON.parse(document.getElementById("activity").textContent);
  const canvas = document.querySelector("#timeline canvas");
  const tip = document.querySelector("#timeline output");
  const context = canvas.getContext("2d");
  const LABELS = 170, AXIS = 22, GAP = 4;
  const NARROWEST = Math.min(cycles, 20 * bin_cycles);

  // Rows from the top: units, then banks.
  let bottom = AXIS;
  for (const row of rows) {
    row.height = row.bank ? 14 : row.label === "AMP" ? 44 : 18;
    if (row.bank && !rows[rows.indexOf(row) - 1].bank) bottom += 2 * GAP;
    row.top = bottom;
    bottom += row.height + GAP;
  }
  canvas.style.height = `${bottom}px`;

  // What is shown: cycles from..to.
  let from = 0, to = cycles;
  const width = () => canvas.clientWidth - LABELS;
  const x_of = cycle => LABELS + (cycle - from) / (to - from) * width();
  const cycle_at = x => from + (x - LABELS) / width() * (to - from);
  const grouped = number => Math.round(number).toLocaleString("en-US");

  function show(new_from, new_to) {
    const span = Math.min(Math.max(new_to - new_from, NARROWEST), cycles);
    from = Math.min(Math.max(new_from, 0), cycles - span);
    to = from + span;
    requestAnimationFrame(draw);
  }
  function zoom(factor, at) {
    show(at - (at - from) / factor, at + (to - at) / factor);
  }

  // Bins of less than a pixel are drawn together.
  const merged = () => Math.max(1, Math.round((to - from) / bin_cycles / width()));
  const cycles_of = (first, count) => Math.min(cycles, (first + count) * bin_cycles) - first * bin_cycles;
  function sum(counts, first, count) {
    let sum = 0;
    for (let bin = first; bin < Math.min(first + count, counts.length); bin++) sum += counts[bin];
    return sum;
  }

  function fitting(label) {
    if (context.measureText(label).width <= LABELS - 8) return label;
    while (context.measureText(`${label}\u2026`).width > LABELS - 8) label = label.slice(0, -1);
    return `${label}\u2026`;
  }

  function draw() {
    const scale = devicePixelRatio;
    const style = getComputedStyle(document.documentElement);
    const colour = name => style.getPropertyValue(`--${name}`);
    canvas.width = canvas.clientWidth * scale;
    canvas.height = bottom * scale;
    context.setTransform(scale, 0, 0, scale, 0, 0);
    context.clearRect(0, 0, canvas.clientWidth, bottom);
    context.font = `12px ${getComputedStyle(document.body).fontFamily}`;
    context.textBaseline = "middle";
    axis(colour);

    const step = merged();
    const first = Math.floor(from / bin_cycles / step) * step, last = Math.ceil(to / bin_cycles);
    // Edges on whole pixels: neighbours leave no seam.
    const edge = bin => {
      const x = x_of(Math.min(cycles, bin * bin_cycles));
      return Math.round(Math.min(Math.max(x, LABELS), LABELS + width()) * scale) / scale;
    };
    let marks = 0;
    for (const row of rows) {
      context.fillStyle = colour(row.parts.length ? "ink" : "soft");
      context.textAlign = "left";
      context.fillText(fitting(row.label), 0, row.top + row.height / 2);
      context.fillStyle = colour("panel");
      context.fillRect(LABELS, row.top, width(), row.height);
      const filled = new Map();
      for (const part of row.parts) {
        context.fillStyle = colour(part.kind);
        for (let bin = first; bin < last; bin += step) {
          const count = sum(part.counts, bin, step);
          if (!count) continue;
          const below = filled.get(bin) ?? 0;
          const high = Math.min(row.height - below, count / cycles_of(bin, step) * row.height);
          filled.set(bin, below + high);
          const left = edge(bin), right = Math.max(edge(bin + step), left + 1 / scale);
          context.fillRect(left, row.top + row.height - below - high, right - left, high);
          marks++;
        }
      }
    }
    document.body.dataset.marks = marks;
  }

  function axis(colour) {
    const rough = (to - from) / Math.max(2, width() / 110);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = Math.max(1, [1, 2, 5, 10].find(times => times * power >= rough) * power);
    context.textAlign = "center";
    context.lineWidth = 1;
    for (let cycle = Math.ceil(from / step) * step; cycle <= to; cycle += step) {
      const x = Math.round(x_of(cycle)) + 0.5;
      context.strokeStyle = colour("line");
      context.beginPath();
      context.moveTo(x, AXIS - 6);
      context.lineTo(x, bottom);
      context.stroke();
      context.fillStyle = colour("soft");
      const half = context.measureText(grouped(cycle)).width / 2;
      context.fillText(grouped(cycle), Math.min(x, canvas.clientWidth - half), 7);
    }
    context.textAlign = "left";
    context.fillText("cycle", 0, 7);
    context.fillStyle = colour("ink");
    for (const launch of launches) {
      const cycle = launch * bin_cycles;
      if (cycle >= from && cycle <= to) context.fillRect(x_of(cycle), AXIS - 6, 1, 6);
    }
  }

  function tell(event) {
    const { offsetX: x, offsetY: y } = event;
    const row = rows.find(row => y >= row.top && y < row.top + row.height);
    tip.hidden = !row || x < LABELS;
    if (tip.hidden) return;
    const step = merged();
    const first = Math.floor(cycle_at(x) / bin_cycles / step) * step;
    const all = cycles_of(first, step);
    const begin = first * bin_cycles;
    const lines = row.parts.map(part => [part.words, sum(part.counts, first, step)]).filter(([, count]) => count);
    const range = all > 1 ? `cycles ${grouped(begin)} to ${grouped(begin + all - 1)}` : `cycle ${grouped(begin)}`;
    const parts = lines.map(([words, count]) => `${words}: ${grouped(count)} of ${grouped(all)}`);
    tip.textContent = [`${row.label}, ${range}`, ...(parts.length ? parts : ["nothing"])].join("\n");
    tip.style.left = `${Math.min(x + 14, canvas.clientWidth - tip.offsetWidth)}px`;
    tip.style.top = `${y + 16}px`;
  }

  canvas.addEventListener("wheel", event => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), cycle_at(Math.max(LABELS, event.offsetX)));
    tell(event);
  }, { passive: false });
  canvas.addEventListener("pointerdown", event => canvas.setPointerCapture(event.pointerId));
  canvas.addEventListener("pointermove", event => {
    if (event.buttons) {
      const moved = event.movementX / width() * (to - from);
      show(from - moved, to - moved);
    }
    tell(event);
  });
  canvas.addEventListener("pointerleave", () => { tip.hidden = true; });
  canvas.addEventListener("dblclick", () => show(0, cycles));
  canvas.addEventListener("keydown", event => {
    const span = to - from, middle = (from + to) / 2;
    const keys = {
      "+": () => zoom(2, middle), "-": () => zoom(0.5, middle), 0: () => show(0, cycles),
      ArrowLeft: () => show(from - span / 8, to - span / 8), ArrowRight: () => show(from + span / 8, to + span / 8),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });
  for (const button of document.querySelectorAll("[data-zoom]")) {
    const factor = Number(button.dataset.zoom);
    button.addEventListener("click", () => factor ? zoom(factor, (from + to) / 2) : show(0, cycles));
  }
  new ResizeObserver(() => requestAnimationFrame(draw)).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
}
