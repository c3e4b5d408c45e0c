/* The table: a heading a group that has several processes, a row a process. Rows stay while their process does, and only what
 * changed is written again. */
import { now, on, store } from "./store.js";
import { $, act, make } from "./actions.js";
import { draw_hour, draw_plot, icon, new_hour, new_plot } from "./plots.js";

const RUNNING = ["RUNNING", "STARTING", "BACKOFF"];
const ORDER = ["RUNNING", "STARTING", "BACKOFF", "STOPPING", "STOPPED", "EXITED", "FATAL", "UNKNOWN"];

export const view = {
	picked: new Set(),	/* ids */
	shown: [],		/* ids, as they are on the page */
	at: null,		/* id that the keyboard is at */
	state: null,		/* only this one is shown */
	search: "",
	open: null,		/* id whose log is open */
	on_open: () => {},
	on_pick: () => {},
};

const rows = new Map();		/* id -> row */
const sections = new Map();	/* group -> {body, head} */

export const can = {
	start: (process) => !RUNNING.includes(process.state) && process.state !== "STOPPING",
	stop: (process) => RUNNING.includes(process.state),
	restart: (process) => RUNNING.includes(process.state),
	clear: () => true,
};

export function length_of_time(seconds) {
	const s = Math.max(0, Math.floor(seconds)), units = [[86400, "d"], [3600, "h"], [60, "m"], [1, "s"]];
	const first = units.findIndex(([size]) => s >= size);
	if (first < 0)
		return "0s";
	const [size, unit] = units[first], next = units[first + 1];
	const rest = next && first < 3 && s < size * 100 ? Math.floor(s % size / next[0]) : 0;
	return Math.floor(s / size) + unit + (rest ? ` ${rest}${next[1]}` : "");
}

export function bytes(count) {
	if (count < 1024 * 1024)
		return `${Math.round(count / 1024)} K`;
	const mib = count / 1048576;
	return mib < 1000 ? `${mib < 10 ? mib.toFixed(1) : Math.round(mib)} M` : `${(mib / 1024).toFixed(1)} G`;
}

const is_bad = (process) => ["FATAL", "UNKNOWN", "BACKOFF"].includes(process.state);
const unexpected = (process) => process.state === "EXITED" && process.exitstatus !== 0;

function button(verb, label, run) {
	const made = make("button", { className: "act", title: label, ariaLabel: label }, icon(verb));
	made.dataset.act = verb;
	made.addEventListener("click", (event) => {
		event.stopPropagation();
		run();
	});
	return made;
}

function cell(kind, ...content) {
	return make("td", { className: `c-${kind}` }, ...content);
}

/* A row: its element, and what of it is written again. */
function new_row(id) {
	const row = {
		pick: make("input", { type: "checkbox", ariaLabel: `Select ${id}` }), name: make("button", { className: "name" }), why: make("span", { className: "why" }),
		state: make("span", { className: "state" }), up: make("span"), more: make("span", { className: "more" }), restarts: cell("restarts"),
		cpu: make("span"), cpu_plot: new_plot("cpu"), memory: make("span"), memory_plot: new_plot("memory"), hour: new_hour(), word: null,
	};
	row.acts = ["start", "stop", "restart", "clear"].map((verb) => button(verb, `${verb === "clear" ? "Clear logs of" : verb[0].toUpperCase() + verb.slice(1)} ${id}`,
		() => act(verb, [id])));
	const show = button("log", `Log of ${id}`, () => view.on_open(id));
	const acts = cell("acts", row.acts[0], row.acts[1], row.acts[2], row.acts[3], show);
	const figure = (text, plot) => make("span", { className: "figure" }, text, plot);
	row.element = make("tr", { className: "process", tabIndex: -1 }, cell("pick", row.pick), cell("name", row.name, row.why), cell("state", row.state),
		cell("up", row.up, row.more), row.restarts, cell("cpu", figure(row.cpu, row.cpu_plot)), cell("memory", figure(row.memory, row.memory_plot)),
		cell("hour", row.hour), acts);
	row.element.dataset.id = id;
	row.pick.addEventListener("change", () => pick([id], row.pick.checked));
	row.name.addEventListener("click", () => view.on_open(id));
	row.element.addEventListener("dblclick", () => view.on_open(id));
	row.element.addEventListener("focus", () => (view.at = id));
	return row;
}

const write = (element, text) => element.textContent !== text && (element.textContent = text);

function since(process) {
	if (!process.pid && !process.start && process.state === "STOPPED")
		return "never started";
	return length_of_time(now() - (process.pid ? process.start : process.stop || process.changed));
}

function draw_row(row, process) {
	const word = process.state, exit = word === "EXITED" ? ` ${process.exitstatus}` : "";
	write(row.name, process.name);
	write(row.why, is_bad(process) ? process.spawnerr : "");
	write(row.state, word + exit);
	if (row.word !== word) {
		row.state.className = `state ${word.toLowerCase()}`;
		row.element.classList.remove("changed");
		if (row.word !== null)
			requestAnimationFrame(() => row.element.classList.add("changed"));
		row.word = word;
		draw_past(row, process.id);
	}
	row.state.classList.toggle("unexpected", unexpected(process));
	row.element.classList.toggle("member", store.processes.size > 0 && process.id !== process.name);
	row.element.classList.toggle("open", view.open === process.id);
	write(row.restarts, process.restarts ? String(process.restarts) : "–");
	row.restarts.classList.toggle("some", process.restarts > 0);
	row.acts.forEach((made) => (made.disabled = !can[made.dataset.act](process)));
	row.acts[0].hidden = !can.start(process) && can.stop(process);
	row.acts[1].hidden = !row.acts[0].hidden;
	row.pick.checked = view.picked.has(process.id);
	draw_times(row, process);
}

function draw_times(row, process) {
	write(row.up, since(process));
	row.element.children[3].title = process.description;
}

function draw_usage(row, process) {
	const usage = store.usage.get(process.id) ?? { cpu: [], memory: [] };
	const cpu = process.pid ? usage.cpu.at(-1) ?? null : null, memory = process.pid ? usage.memory.at(-1) ?? null : null;
	write(row.cpu, cpu === null ? "–" : `${cpu < 9.95 ? cpu.toFixed(1) : Math.round(cpu)} %`);
	write(row.memory, memory === null ? "–" : bytes(memory));
	write(row.more, memory === null ? "" : ` · ${row.cpu.textContent} · ${row.memory.textContent}`);
	draw_plot(row.cpu_plot, usage.cpu, 5);
	draw_plot(row.memory_plot, usage.memory, 1048576);
}

function draw_past(row, id) {
	draw_hour(row.hour, store.past.get(id) ?? [], store.since, now());
}

function row_of(process) {
	if (!rows.has(process.id)) {
		const row = new_row(process.id);
		rows.set(process.id, row);
		draw_row(row, process);
		draw_usage(row, process);
		draw_past(row, process.id);
	}
	return rows.get(process.id);
}

/* ---- which are shown, and where ---- */

function shown(process) {
	return (!view.state || process.state === view.state) && process.id.toLowerCase().includes(view.search);
}

function section_of(group, members) {
	if (!sections.has(group)) {
		const body = make("tbody"), what = make("span"), head = make("tr", { className: "group" });
		const all = () => [...store.processes.values()].filter((process) => process.group === group);
		const box = make("input", { type: "checkbox", ariaLabel: `Select group ${group}` });
		const acts = ["start", "stop", "restart"].map((verb) => button(verb, `${verb[0].toUpperCase() + verb.slice(1)} group ${group}`,
			() => act(verb, all().filter(can[verb]).map((process) => process.id))));
		const wide = make("td", { className: "c-what", colSpan: 7 }, make("b", {}, group), " ", what);
		head.append(cell("pick", box), wide, cell("acts", ...acts));
		box.addEventListener("change", () => pick(all().filter(shown).map((process) => process.id), box.checked));
		body.append(head);
		sections.set(group, { body, head, what, box, acts });
	}
	const section = sections.get(group);
	const running = members.filter((process) => process.state === "RUNNING").length;
	write(section.what, `${running} of ${members.length} running`);
	section.acts.forEach((made) => (made.disabled = !members.some(can[made.dataset.act])));
	section.head.hidden = members.length < 2 && members[0].id === members[0].name;
	section.box.checked = members.every((process) => view.picked.has(process.id));
	return section;
}

/* Put `wanted` into parent after its first `kept` children, moving nothing that is in its place already. */
function arrange(parent, kept, wanted) {
	wanted.forEach((element, index) => {
		if (parent.children[kept + index] !== element)
			parent.insertBefore(element, parent.children[kept + index] ?? null);
	});
	while (parent.children.length > kept + wanted.length)
		parent.lastChild.remove();
}

export function draw() {
	const groups = Map.groupBy ? Map.groupBy(store.processes.values(), (process) => process.group) : group_by_hand();
	const bodies = [];
	view.shown = [];
	for (const id of rows.keys())
		if (!store.processes.has(id)) {
			rows.delete(id);
			view.picked.delete(id);
		}
	for (const group of sections.keys())
		if (!groups.has(group))
			sections.delete(group);
	for (const [group, members] of groups) {
		const section = section_of(group, members), visible = members.filter(shown);
		visible.forEach((process) => draw_row(row_of(process), process));
		arrange(section.body, 1, visible.map((process) => rows.get(process.id).element));
		if (visible.length) {
			bodies.push(section.body);
			view.shown.push(...visible.map((process) => process.id));
		}
	}
	arrange($("list").querySelector("table"), 1, bodies);
	$("nothing").hidden = view.shown.length > 0;
	$("nothing").textContent = store.processes.size ? "No process matches." : "There are no processes: the configuration has none.";
	draw_chips();
	draw_picked();
}

function group_by_hand() {
	const groups = new Map();
	for (const process of store.processes.values())
		groups.set(process.group, [...(groups.get(process.group) ?? []), process]);
	return groups;
}

function draw_chips() {
	const counts = new Map();
	for (const process of store.processes.values())
		counts.set(process.state, (counts.get(process.state) ?? 0) + 1);
	if (view.state && !counts.has(view.state))
		counts.set(view.state, 0);
	const chip = (state, label, count) => {
		const made = make("button", { className: "chip", ariaPressed: String(view.state === state) }, label, make("b", {}, String(count)));
		made.classList.toggle("bad", ["FATAL", "BACKOFF", "UNKNOWN"].includes(state));
		made.addEventListener("click", () => {
			view.state = view.state === state ? null : state;
			draw();
		});
		return made;
	};
	const key = JSON.stringify([...counts, view.state]);
	if ($("chips").dataset.key === key)
		return;
	$("chips").dataset.key = key;
	$("chips").replaceChildren(chip(null, "All", store.processes.size),
		...ORDER.filter((state) => counts.has(state)).map((state) => chip(state, state[0] + state.slice(1).toLowerCase(), counts.get(state))));
}

/* ---- selection ---- */

export function pick(ids, yes) {
	for (const id of ids)
		if (yes)
			view.picked.add(id);
		else
			view.picked.delete(id);
	draw();
}

export function pick_none() {
	view.picked.clear();
	draw();
}

function draw_picked() {
	const picked = [...view.picked].map((id) => store.processes.get(id)).filter(Boolean);
	$("picked").hidden = picked.length === 0;
	$("picked-count").textContent = `${picked.length} selected`;
	for (const made of $("picked").querySelectorAll("[data-many]"))
		made.disabled = !picked.some(can[made.dataset.many]);
	$("pick-all").checked = view.shown.length > 0 && view.shown.every((id) => view.picked.has(id));
	$("pick-all").indeterminate = !$("pick-all").checked && picked.length > 0;
}

/* Move the keyboard's place by `step` rows. */
export function move(step) {
	const index = view.shown.indexOf(view.at);
	const to = view.shown[Math.max(0, Math.min(view.shown.length - 1, index < 0 ? 0 : index + step))];
	if (to) {
		rows.get(to).element.focus();
		rows.get(to).element.scrollIntoView({ block: "nearest" });
	}
}

export function start_table() {
	const each = (draw_one) => () => view.shown.forEach((id) => draw_one(rows.get(id), store.processes.get(id)));
	on("processes", draw);
	on("usage", each(draw_usage));
	on("events", each((row, process) => draw_past(row, process.id)));
	setInterval(each(draw_times), 1000);
	setInterval(each((row, process) => draw_past(row, process.id)), 20000);
	$("pick-all").addEventListener("change", () => pick(view.shown, $("pick-all").checked));
	$("search").addEventListener("input", () => {
		view.search = $("search").value.trim().toLowerCase();
		draw();
	});
	$("picked-none").addEventListener("click", () => pick_none());
	for (const made of $("picked").querySelectorAll("[data-many]"))
		made.addEventListener("click", () => act(made.dataset.many,
			[...view.picked].filter((id) => store.processes.has(id) && can[made.dataset.many](store.processes.get(id)))));
}
