// Times in the reader's zone, and charts drawn from the tables beside them. Pages say the same without it.
const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

function localise(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.valueOf())) continue;
    time.title = time.textContent;
    time.textContent = (time.className === "second" ? exact : zone).format(at);
  }
}

function colour(name) {
  const probe = document.createElement("span");
  probe.className = name;
  document.body.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

const KINDS = { Sent: "ink-good", Accepted: "ink-good", Refused: "ink-alarm", Held: "ink-warn" };

function draw(figure) {
  const table = document.getElementById(`${figure.dataset.chart}-data`);
  const rows = [...(table?.tBodies[0]?.rows ?? [])];
  if (rows.length < 2 || typeof uPlot === "undefined") return;
  const names = [...table.tHead.rows[0].cells].slice(1).map((cell) => cell.textContent);
  const at = rows.map((row) => Number(row.cells[0].dataset.at));
  const lines = names.map((_, place) => rows.map((row) => Number(row.cells[place + 1].textContent)));
  const soft = colour("dim");
  const axis = { stroke: soft, grid: { stroke: colour("ink-line"), width: 1 }, ticks: { show: false } };
  const options = {
    width: figure.clientWidth,
    height: 220,
    cursor: { drag: { x: false, y: false } },
    axes: [axis, { ...axis, size: 56 }],
    series: [{}, ...names.map((label) => ({ label, stroke: colour(KINDS[label] ?? "ink-blue"), width: 2, points: { show: false } }))],
  };
  figure.replaceChildren();
  const chart = new uPlot(options, [at, ...lines], figure);
  new ResizeObserver(() => chart.setSize({ width: figure.clientWidth, height: 220 })).observe(figure);
}

document.querySelector("nav [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
localise(document);
document.querySelectorAll("[data-chart]").forEach(draw);
document.addEventListener("htmx:load", (event) => localise(event.target));
