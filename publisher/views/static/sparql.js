// Puts the editor in place of the plain form; without it, or without script, the form does the same.
const form = document.querySelector("form.query");
const place = document.getElementById("editor");
const words = place.dataset;

async function terms() {
  const answer = await fetch(words.void, { headers: { Accept: "text/turtle" } });
  if (!answer.ok) return [];
  const text = await answer.text();
  const prefixes = Object.fromEntries([...text.matchAll(/@?prefix\s+(\w*):\s*<([^>]+)>/gi)].map((hit) => [hit[1], hit[2]]));
  const named = [...text.matchAll(/void:(?:class|property)\s+(?:<([^>]+)>|(\w*):([\w-]+))/g)];
  return [...new Set(named.map((hit) => hit[1] || (prefixes[hit[2]] || "") + hit[3]))].filter((iri) => iri.startsWith("http")).sort();
}

function svg(name, attributes, text) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

function icon(path) {
  const made = svg("svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" });
  made.append(svg("path", { d: path, fill: "currentColor" }));
  return made;
}

class Plugin {
  constructor(yasr) { this.yasr = yasr; }
  rows() {
    const found = this.yasr.results;
    return found && found.getBindings ? found.getBindings() || [] : [];
  }
  columns() { return this.yasr.results.getVariables(); }
}

class Chart extends Plugin {
  priority = 5;
  label = words.chart;
  number() {
    const rows = this.rows();
    return rows.length ? this.columns().filter((name) => rows.every((row) => !row[name] || (row[name].value.trim() !== "" && !isNaN(row[name].value)))).pop() : undefined;
  }
  canHandleResults() { return this.number() !== undefined; }
  getIcon() { return icon("M1 9h3v6H1zM6 4h3v11H6zM11 1h3v14h-3z"); }
  draw() {
    const value = this.number();
    const others = this.columns().filter((name) => name !== value);
    const rows = this.rows().slice(0, 60);
    const top = Math.max(...rows.map((row) => Number(row[value]?.value || 0)), 1);
    const made = svg("svg", { class: "plot", viewBox: `0 0 720 ${rows.length * 40 + 10}`, role: "img", "aria-label": `${words.chart}: ${value}` });
    rows.forEach((row, at) => {
      const name = others.map((key) => (row[key]?.value || "").replace(/^.*[/#]/, "")).join(" · ") || String(at + 1);
      const number = Number(row[value]?.value || 0);
      made.append(svg("text", { x: 0, y: at * 40 + 14 }, name.slice(0, 90)));
      made.append(svg("rect", { class: "s1", x: 0, y: at * 40 + 19, width: Math.max(1, (number / top) * 600), height: 12 }));
      made.append(svg("text", { class: "tick", x: Math.max(1, (number / top) * 600) + 8, y: at * 40 + 30 }, row[value]?.value || ""));
    });
    this.yasr.resultsEl.append(made);
  }
}

function points(text) {
  const pairs = text.trim().startsWith("{") ? /\[\s*(-?[\d.]+)\s*,\s*(-?[\d.]+)[^\[\]]*\]/g : /(-?[\d.]+)\s+(-?[\d.]+)/g;
  return [...text.matchAll(pairs)].map((hit) => [Number(hit[1]), Number(hit[2])]).filter(([x, y]) => Math.abs(x) <= 180 && Math.abs(y) <= 85);
}

class Places extends Plugin {
  priority = 4;
  label = words.map;
  shapes() {
    const found = [];
    for (const row of this.rows()) {
      for (const [name, cell] of Object.entries(row)) {
        if (!/^\s*(\{|<[^>]+>\s*[A-Z]|POINT|LINESTRING|POLYGON|MULTI)/.test(cell.value)) continue;
        const line = points(cell.value.replace(/^\s*<[^>]+>/, ""));
        const title = Object.entries(row).filter(([key]) => key !== name).map(([, other]) => other.value.replace(/^.*[/#]/, "")).join(" · ");
        if (line.length) found.push({ line, title });
      }
    }
    return found;
  }
  canHandleResults() { return this.shapes().length > 0; }
  getIcon() { return icon("M8 1a5 5 0 0 0-5 5c0 4 5 9 5 9s5-5 5-9a5 5 0 0 0-5-5zm0 7a2 2 0 1 1 0-4 2 2 0 0 1 0 4z"); }
  draw() {
    const shapes = this.shapes();
    const rise = (y) => (Math.asinh(Math.tan((y * Math.PI) / 180)) * 180) / Math.PI;
    const every = shapes.flatMap((one) => one.line.map(([x, y]) => [x, rise(y)]));
    const [west, east] = [Math.min(...every.map((p) => p[0])), Math.max(...every.map((p) => p[0]))];
    const [south, north] = [Math.min(...every.map((p) => p[1])), Math.max(...every.map((p) => p[1]))];
    const scale = Math.min(660 / Math.max(east - west, 1e-4), 380 / Math.max(north - south, 1e-4));
    const at = ([x, y]) => [360 + (x - (west + east) / 2) * scale, 210 - (rise(y) - (south + north) / 2) * scale];
    const made = svg("svg", { class: "outline", viewBox: "0 0 720 420", role: "img", "aria-label": words.map });
    for (const { line, title } of shapes) {
      const group = svg("g", {});
      group.append(svg("title", {}, title));
      if (line.length === 1) group.append(svg("circle", { cx: at(line[0])[0], cy: at(line[0])[1], r: 7 }));
      else group.append(svg("polyline", { points: line.map((p) => at(p).join(",")).join(" ") }));
      made.append(group);
    }
    this.yasr.resultsEl.append(words.tiles ? this.offered(made, shapes) : made);
  }
  // The outline with the offer of a real map beside it; map.js asks the tile server for nothing before the button is pressed.
  offered(outline, shapes) {
    const box = document.createElement("div");
    box.className = "map";
    Object.assign(box.dataset, { tiles: words.tiles, by: words.by, places: JSON.stringify(shapes.map((one) => [one.title, [one.line]])) });
    const consent = document.createElement("p");
    consent.className = "consent";
    consent.append(Object.assign(document.createElement("button"), { type: "button", textContent: words.show }), " ");
    consent.append(Object.assign(document.createElement("span"), { className: "note", textContent: words.consent }));
    box.append(outline, consent);
    import(new URL("map.js", import.meta.url).href).then((map) => map.offer(box));
    return box;
  }
}

// The editor's own buttons speak English only, and its table is drawn anew for each answer.
function named() {
  for (const button of place.querySelectorAll("button, a.yasr_btn, .notification")) {
    const key = [...button.classList].find((name) => labels[name]);
    if (!key) continue;
    const shown = [...button.querySelectorAll("span"), button].find((one) => one.childElementCount === 0 && /[a-z]/i.test(one.textContent));
    if (shown) shown.textContent = labels[key];
    if (button.matches("button, a")) Object.assign(button, { ariaLabel: labels[key], title: labels[key] });
  }
}

// Puts the reason for a refusal, which the service gives as problem details (RFC 9457), in place of their JSON.
function explained(shown) {
  try {
    const { title, detail } = JSON.parse(shown.textContent);
    shown.textContent = [title, detail].filter(Boolean).join("\n");
    shown.classList.add("reason");
  } catch { /* no JSON: it stays as it came */ }
}

const { Yasgui } = window;
const labels = JSON.parse(words.labels);
if (Yasgui && form) {
  // A tab stop of the keyboard must leave the editor again (WCAG 2.1.2); indenting is left to the space bar.
  Yasgui.Yasqe.defaults.extraKeys = { ...Yasgui.Yasqe.defaults.extraKeys, Tab: false, "Shift-Tab": false };
  Yasgui.Yasr.registerPlugin("chart", Chart);
  Yasgui.Yasr.registerPlugin("places", Places);
  Yasgui.Yasqe.registerAutocompleter({
    name: "published",
    autoShow: false,
    bulk: true,
    isValidCompletionPosition: (yasqe) => !/^[?$"'#]/.test(yasqe.getCompleteToken().string),
    get: terms,
    preProcessToken: (yasqe, token) => {
      const [, prefix, local] = /^(\w*):(.*)$/.exec(token.string) || [];
      const stem = prefix !== undefined && yasqe.getPrefixesFromQuery()[prefix];
      return { ...token, autocompletionString: stem ? stem + local : token.string.replace(/^</, ""), tokenPrefix: stem ? prefix + ":" : undefined, tokenPrefixUri: stem || undefined };
    },
    postProcessSuggestion: (yasqe, token, iri) => (token.tokenPrefix && iri.startsWith(token.tokenPrefixUri) ? token.tokenPrefix + iri.slice(token.tokenPrefixUri.length) : `<${iri}>`),
  });
  const endpoint = new URL(form.action).href;
  const query = form.elements.query.value;
  form.hidden = true;
  place.hidden = false;
  const yasgui = new Yasgui(place, {
    persistenceId: null,
    copyEndpointOnNewTab: true,
    autofocus: false,
    requestConfig: { endpoint, method: "POST", headers: () => ({}) },
    yasqe: { value: query, autocompleters: ["variables", "published"], showQueryButton: true, resizeable: true, consumeShareLink: null },
    yasr: { prefixes: {}, pluginOrder: ["table", "chart", "places", "boolean", "response"] },
  });
  const tab = yasgui.getTab() || yasgui.addTab(true);
  if (!location.hash.includes("query=")) tab.setQuery(query);
  tab.setEndpoint(endpoint);
  place.querySelectorAll(".CodeMirror textarea").forEach((area) => area.setAttribute("aria-label", words.query));
  named();
  const told = document.getElementById("told");
  yasgui.on("query", () => (told.textContent = ""));
  yasgui.on("queryResponse", (_, answered) =>
    setTimeout(() => { // the tab hands the answer on only after it has told of it
      const found = answered.getYasr().results;
      const rows = found?.getBindings?.()?.length;
      const problem = found?.getError?.();
      if (problem) explained(answered.getYasr().resultsEl.querySelector(".errorResult pre"));
      told.textContent = problem ? words.failed : rows === undefined ? words.answered : words.rows.replace("0", rows);
      named();
    }),
  );
  document.documentElement.dataset.editor = "ready";
  for (const link of document.querySelectorAll("a[data-query]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      yasgui.getTab().setQuery(link.dataset.query);
      place.scrollIntoView();
      yasgui.getTab().query();
    });
  }
}
