// Shows a map after consent alone: until the button is pressed nothing is asked of the tile server.
export function offer(box) {
  const consent = box.querySelector(".consent");
  consent.hidden = false;
  consent.querySelector("button").addEventListener("click", async () => {
    const leaflet = await import(new URL("vendor/leaflet-src.esm.js", import.meta.url).href);
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = new URL("vendor/leaflet.css", import.meta.url).href;
    document.head.append(style);
    box.querySelector(".outline")?.remove();
    consent.remove();
    const live = document.createElement("div");
    live.className = "live";
    box.append(live);
    const map = leaflet.map(live);
    const by = document.createElement("span");
    by.textContent = box.dataset.by;
    leaflet.tileLayer(box.dataset.tiles, { attribution: by.innerHTML, maxZoom: 19 }).addTo(map);
    const layers = JSON.parse(box.dataset.places).flatMap(([name, lines]) =>
      lines.map((line) => {
        const at = line.map(([x, y]) => [y, x]);
        const made = at.length === 1 ? leaflet.circleMarker(at[0], { radius: 8 }) : leaflet.polyline(at);
        const label = document.createElement("span");
        label.textContent = name;
        return made.bindTooltip(label).addTo(map);
      }),
    );
    const all = leaflet.featureGroup(layers);
    if (layers.length) map.fitBounds(all.getBounds().pad(0.3), { maxZoom: 16 });
  });
}

document.querySelectorAll(".map[data-tiles]").forEach(offer);
