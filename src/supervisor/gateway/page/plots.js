/* Small pictures: a history of samples, and the states of the last hour. */
import { SAMPLES } from "./store.js";

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
	const element = document.createElementNS(SVG, tag);
	for (const [name, value] of Object.entries(attributes))
		element.setAttribute(name, value);
	element.append(...children);
	return element;
}

const WIDTH = 72, HEIGHT = 22;

export function new_plot(kind) {
	const plot = svg("svg", { class: `plot ${kind}`, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
		svg("path", { class: "area" }), svg("path"));
	return plot;
}

/* Newest at the right edge. `least`: what the plot is high at the least, so that noise stays small. */
export function draw_plot(plot, values, least) {
	const top = Math.max(least, ...values.filter((value) => value !== null)) * 1.1;
	const start = SAMPLES - values.length;
	let line = "", area = "", from = null, last = null;
	values.forEach((value, index) => {
		if (value === null) {
			if (from !== null)
				area += `L${last} ${HEIGHT}L${from} ${HEIGHT}Z`;
			from = null;
			return;
		}
		last = ((start + index) * WIDTH / (SAMPLES - 1)).toFixed(1);
		const point = `${last} ${(HEIGHT - 1 - value / top * (HEIGHT - 3)).toFixed(1)}`;
		line += (from === null ? "M" : "L") + point;
		area += (from === null ? "M" : "L") + point;
		from ??= last;
	});
	if (from !== null)
		area += `L${last} ${HEIGHT}L${from} ${HEIGHT}Z`;
	plot.firstChild.setAttribute("d", area);
	plot.lastChild.setAttribute("d", line);
}

export const new_hour = () => svg("svg", { class: "hour", viewBox: "0 0 3600 14", preserveAspectRatio: "none", role: "img" });

/* Bars from `past` ([[when, word], ...]); what was before `since` stays empty. */
export function draw_hour(hour, past, since, now) {
	const from = now - 3600, bars = [];
	past.forEach(([when, word], index) => {
		const begin = Math.max(when, from, since), end = Math.min(past[index + 1]?.[0] ?? now, now);
		if (end < begin)
			return;
		/* A state that was short is still to be seen. */
		bars.push(svg("rect", { class: word.toLowerCase(), x: (begin - from).toFixed(0), width: Math.max(end - begin, 14).toFixed(0), y: 0, height: 14 }));
	});
	hour.replaceChildren(...bars);
	const changes = past.filter(([when]) => when > Math.max(from, since)).length;
	hour.setAttribute("aria-label", `${changes} changes of state in the last hour`);
}

const PATHS = {
	start: "M5 3.5v9l7.5-4.5z", stop: "M4 4h8v8H4z", restart: "M13 8a5 5 0 1 1-1.6-3.7M13 2.5v3h-3",
	clear: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5", log: "M3.5 3.5h9M3.5 6.5h9M3.5 9.5h9M3.5 12.5h5",
};

export const icon = (name) => svg("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, svg("path", { d: PATHS[name] }));
