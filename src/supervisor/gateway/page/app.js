/* The live page: puts it in place of the plain one, and wires its parts together. */
document.body.append(document.getElementById("live").content.cloneNode(true));
document.getElementById("plain").remove();

const { now, on, start, store } = await import("./store.js");
const { $, act, act_on_supervisor, make } = await import("./actions.js");
const { bytes, can, draw, length_of_time, move, pick, pick_none, start_table, view } = await import("./table.js");
const { close_log, open_log, start_log, toggle } = await import("./log.js");

/* ---- the heading ---- */

const LINKS = { connecting: "connecting…", live: "live", lost: "connection lost, trying again" };

function draw_link() {
	$("link").textContent = LINKS[store.link];
	$("link").className = `link ${store.link}`;
}

function draw_supervisor() {
	const self = store.supervisor;
	$("identifier").textContent = self.identifier;
	const mood = self.state === "RUNNING" ? "" : `${self.state.toLowerCase()} · `;
	$("about").textContent = `${mood}pid ${self.pid} · up ${length_of_time(now() - self.start)}`;
	draw_title();
}

function draw_title() {
	const bad = [...store.processes.values()].filter((process) => ["FATAL", "BACKOFF"].includes(process.state)).length;
	document.title = `${bad ? `(${bad}) ` : ""}${store.supervisor?.identifier ?? "reeve"} · reeve`;
}

/* ---- events ---- */

const clock = (when) => new Date(when * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });

function draw_events() {
	if ($("events").hidden)
		return;
	$("event-list").replaceChildren(...store.events.slice(0, 200).map((event) => {
		const said = event.id ? `${event.from ? `${event.from.toLowerCase()} → ` : ""}${event.to.toLowerCase()}${event.pid ? ` · pid ${event.pid}` : ""}` : event.to.toLowerCase();
		return make("li", { className: event.to.toLowerCase() }, make("time", { title: new Date(event.when * 1000).toLocaleString() }, clock(event.when)),
			make("div", {}, make("b", {}, event.id ?? "supervisor"), make("small", {}, event.text ? `${said} · ${event.text}` : said)));
	}));
	if (!store.events.length)
		$("event-list").replaceChildren(make("li", {}, "", "Nothing has happened yet."));
}

function show_events(yes = $("events").hidden) {
	$("events").hidden = !yes;
	$("show-events").ariaPressed = String(yes);
	draw_events();
}

/* ---- one process ---- */

let tab = "stdout";

function fill(list, facts) {
	list.replaceChildren(...facts.filter(([, value]) => value !== "" && value !== null && value !== undefined)
		.flatMap(([name, value]) => [make("dt", {}, name), make("dd", { className: String(value).startsWith("/") ? "path" : "" }, String(value))]));
}

const moment = (seconds) => (seconds ? new Date(seconds * 1000).toLocaleString() : "");

function draw_facts() {
	const process = store.processes.get(view.open);
	if (!process || tab !== "facts")
		return;
	const memory = process.pid ? store.usage.get(process.id)?.memory.at(-1) : null;
	fill($("facts"), [["State", process.state], ["Description", process.description], ["Group", process.group], ["Process id", process.pid || ""],
		["Started", moment(process.start)], ["Ended last", moment(process.stop)], ["Exit status", process.pid || !process.stop ? "" : process.exitstatus],
		["Error", process.spawnerr], ["Restarts", process.restarts], ["Memory", memory ? bytes(memory) : ""],
		["Standard output", process.stdout_logfile || "no log file"], ["Standard error", process.stderr_logfile || "no log file"]]);
}

function show_tab(which) {
	tab = which;
	for (const made of $("detail-tabs").children)
		made.ariaSelected = String(made.dataset.tab === which);
	$("facts").hidden = which !== "facts";
	$("log").hidden = $("log-tools").hidden = which === "facts";
	if (which === "facts") {
		close_log();
		draw_facts();
	} else {
		open_log(`/logtail/${encodeURIComponent(view.open)}/${which}`);
	}
}

function show(id) {
	const process = store.processes.get(id);
	view.open = id;
	$("detail").hidden = false;
	$("detail-tabs").hidden = false;
	$("detail-name").textContent = id;
	$("detail-tabs").children[1].hidden = !process.stderr_logfile;
	show_tab(tab === "stderr" && !process.stderr_logfile ? "stdout" : tab);
	draw();
}

function show_own_log() {
	$("self").close();
	view.open = null;
	$("detail").hidden = false;
	$("detail-tabs").hidden = true;
	$("detail-name").textContent = "supervisor's log";
	$("facts").hidden = true;
	$("log").hidden = $("log-tools").hidden = false;
	open_log("/mainlogtail");
	draw();
}

function close_detail() {
	close_log();
	$("detail").hidden = true;
	view.open = null;
	draw();
}

function start_detail() {
	view.on_open = (id) => (view.open === id && !$("detail").hidden ? close_detail() : show(id));
	for (const made of $("detail-tabs").children)
		made.addEventListener("click", () => show_tab(made.dataset.tab));
	$("detail-close").addEventListener("click", close_detail);
	const grip = document.querySelector(".grip");
	grip.addEventListener("pointerdown", (event) => grip.setPointerCapture(event.pointerId));
	grip.addEventListener("pointermove", (event) => {
		if (grip.hasPointerCapture(event.pointerId))
			$("detail").style.height = `${Math.round(window.innerHeight - event.clientY)}px`;
	});
}

/* ---- the supervisor itself ---- */

function show_supervisor() {
	const self = store.supervisor;
	if (!self)
		return;
	fill($("self-facts"), [["Identifier", self.identifier], ["State", self.state], ["Process id", self.pid], ["Since", moment(self.start)],
		["Version", `reeve ${self.version}`], ["Speaks as", `supervisor ${self.supervisor_version}`], ["Processes", store.processes.size],
		["Its roles", Object.entries(self.roles).map(([role, { pid, starts }]) => `${role} ${pid}${starts > 1 ? ` (started ${starts} times)` : ""}`).join(", ")]]);
	$("self").showModal();
}

/* ---- keys ---- */

const at_picked = (verb) => () => {
	const ids = view.picked.size ? [...view.picked] : view.at ? [view.at] : [];
	act(verb, ids.filter((id) => store.processes.has(id) && can[verb](store.processes.get(id))));
};

const KEYS = [
	["j", "next process", () => move(1), "ArrowDown"], ["k", "previous process", () => move(-1), "ArrowUp"],
	["x", "select it", () => view.at && pick([view.at], !view.picked.has(view.at))], ["l", "its log", () => view.at && view.on_open(view.at), "Enter"],
	["s", "start: the selected ones, else this one", at_picked("start")], ["t", "stop", at_picked("stop")], ["r", "restart", at_picked("restart")],
	["c", "clear logs", at_picked("clear")], ["/", "filter by name", () => $("search").focus()], ["Ctrl F", "search in the log, where one is open", null],
	["f", "follow the log", () => toggle.follow()], ["w", "break long lines", () => toggle.wrap()],
	["e", "events", () => show_events()], ["Esc", "close, or select nothing", null], ["?", "this help", () => $("help").showModal()],
];

function on_key(event) {
	const typing = event.target.matches("input[type=search]");
	if (document.querySelector("dialog[open]"))
		return;
	if (event.key === "Escape") {
		if (typing)
			event.target.blur();
		else if (!$("detail").hidden)
			close_detail();
		else
			pick_none();
		return;
	}
	if ((event.ctrlKey || event.metaKey) && event.key === "f" && !$("detail").hidden && !$("log-tools").hidden) {
		event.preventDefault();
		$("log-search").focus();
		$("log-search").select();
		return;
	}
	if (typing || event.ctrlKey || event.metaKey || event.altKey)
		return;
	const arrow = event.key.startsWith("Arrow") || event.key === "Enter";
	/* A button or the log has its own use for these. */
	if (arrow && event.target.closest("button, #log, input, [role=tab]"))
		return;
	const key = KEYS.find(([name, , run, other]) => run && (name === event.key || other === event.key));
	if (key) {
		event.preventDefault();
		key[2]();
	}
}

$("help-keys").append(...KEYS.flatMap(([name, text, , other]) =>
	[make("dt", {}, make("kbd", {}, name), ...(other ? [" ", make("kbd", {}, other.replace("Arrow", ""))] : [])), make("dd", {}, text)]));
document.addEventListener("keydown", on_key);
$("show-help").addEventListener("click", () => $("help").showModal());
$("show-events").addEventListener("click", () => show_events());
$("show-supervisor").addEventListener("click", show_supervisor);
$("self-log").addEventListener("click", show_own_log);
for (const made of $("self").querySelectorAll("[data-self]"))
	made.addEventListener("click", () => act_on_supervisor(made.dataset.self));

on("link", draw_link);
on("supervisor", draw_supervisor);
on("events", draw_events);
on("processes", draw_title);
on("processes", draw_facts);
on("processes", () => view.open && !store.processes.has(view.open) && close_detail());
setInterval(() => store.supervisor && draw_supervisor(), 10000);
start_table();
start_log();
start_detail();
show_events(window.innerWidth > 1400);
start();
