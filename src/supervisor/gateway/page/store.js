/* What the page knows: processes by id, their samples, their states of the last hour, events. It comes by one event stream and
 * is never asked for. A page that nobody sees closes its stream, for a browser has few connections to a server. */

export const SAMPLES = 60;
const EVENTS_MAX = 300;
const HOUR = 3600;

export const store = {
	supervisor: null,
	processes: new Map(),	/* id -> process, as the JSON API tells it */
	usage: new Map(),	/* id -> {cpu: [], memory: []}, newest last */
	past: new Map(),	/* id -> [[when, state word], ...], oldest first */
	since: 0,		/* what was before is not known */
	events: [],		/* newest first */
	token: document.querySelector("meta[name=reeve-token]").content,
	link: "connecting",
	skew: 0,		/* the server's clock less ours, in seconds */
};

const listeners = new Map();
const due = new Set();
let frame = 0;

/* Call `callback` after something of `topic` changed: processes, usage, events, supervisor, link. Many changes are one call. */
export function on(topic, callback) {
	listeners.set(topic, [...(listeners.get(topic) ?? []), callback]);
}

function changed(...topics) {
	topics.forEach((topic) => due.add(topic));
	frame ||= requestAnimationFrame(() => {
		const now = [...due];
		frame = 0;
		due.clear();
		for (const callback of new Set(now.flatMap((topic) => listeners.get(topic) ?? [])))
			callback();
	});
}

/* Seconds since the Epoch, by the server's clock. */
export const now = () => Date.now() / 1000 + store.skew;

function remember(id, when, state) {
	const past = store.past.get(id) ?? [];
	const last = past.at(-1);
	if (!last || last[1] !== state)
		past.push([when, state]);
	while (past.length > 1 && past[1][0] < now() - HOUR)
		past.shift();
	store.past.set(id, past);
}

function add_sample(id, cpu, memory) {
	const usage = store.usage.get(id) ?? { cpu: [], memory: [] };
	usage.cpu.push(cpu);
	usage.memory.push(memory);
	if (usage.cpu.length > SAMPLES) {
		usage.cpu.shift();
		usage.memory.shift();
	}
	store.usage.set(id, usage);
}

function add_event(event) {
	if (store.events.some((known) => known.number === event.number && known.when === event.when))
		return;
	store.events.unshift(event);
	store.events.length = Math.min(store.events.length, EVENTS_MAX);
}

const take = {
	hello(data) {
		store.skew = data.supervisor.now - Date.now() / 1000;
		store.supervisor = data.supervisor;
		store.token = data.token;
		store.since = data.history.since;
		store.processes = new Map(data.processes.map((process) => [process.id, process]));
		store.past = new Map(Object.entries(data.history.processes));
		store.usage = new Map(Object.entries(data.usage.processes));
		store.events = [];
		data.events.forEach(add_event);
		changed("processes", "usage", "events", "supervisor");
	},
	processes(data) {
		store.processes = new Map(data.map((process) => [process.id, process]));
		for (const map of [store.past, store.usage])
			for (const id of map.keys())
				if (!store.processes.has(id))
					map.delete(id);
		changed("processes");
	},
	process(data) {
		store.processes.set(data.id, data);
		changed("processes");
	},
	usage(data) {
		for (const [id, [cpu, memory]] of Object.entries(data))
			add_sample(id, cpu, memory);
		changed("usage");
	},
	event(data) {
		add_event(data);
		if (data.id)
			remember(data.id, data.when, data.to);
		changed("events");
	},
	supervisor(data) {
		store.supervisor = data;
		changed("supervisor");
	},
};

let source = null, retry = 0, hide = 0;

function set_link(link) {
	store.link = link;
	changed("link");
}

function open_stream() {
	clearTimeout(retry);
	source?.close();
	source = new EventSource("/events");
	source.onopen = () => set_link("live");
	source.onerror = () => {
		/* Closed for good, as after an error's status: the browser does not come back by itself. */
		if (source?.readyState === EventSource.CLOSED)
			retry = setTimeout(open_stream, 2000);
		set_link("lost");
	};
	for (const name of Object.keys(take))
		source.addEventListener(name, (message) => take[name](JSON.parse(message.data)));
}

export function start() {
	open_stream();
	document.addEventListener("visibilitychange", () => {
		clearTimeout(hide);
		if (document.hidden) {
			hide = setTimeout(() => {
				clearTimeout(retry);
				source?.close();
				source = null;
			}, 15000);
		} else if (!source) {
			open_stream();
		}
	});
}
