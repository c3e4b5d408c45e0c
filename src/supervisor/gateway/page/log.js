/* The log of one stream, as it is written: the end of the file, then what comes. Lines are kept as parts, so that a search can be
 * drawn and taken away again. */
import { new_ansi } from "./ansi.js";
import { $, make } from "./actions.js";

const LINES_MAX = 5000;
const START_BYTES = 131072;
const LINE_MAX = 20000;		/* a longer one is cut: drawing it would stop the page */

let reading = null;		/* AbortController of what is being read */
let lines = [];			/* {parts, text, element} */
let query = "";
let hit = null;			/* the line that the search is at */
let follow = true;

/* ---- drawing ---- */

function span(part, text) {
	if (!part.names && !part.fg && !part.bg)
		return document.createTextNode(text);
	const element = make("span", { className: part.names }, text);
	element.style.color = part.fg;
	element.style.backgroundColor = part.bg;
	return element;
}

/* Where the query is in the text: [[from, to], ...] */
function places(text) {
	const found = [], whole = text.toLowerCase();
	for (let at = whole.indexOf(query); query && at >= 0 && found.length < 200; at = whole.indexOf(query, at + query.length))
		found.push([at, at + query.length]);
	return found;
}

function draw_line(line) {
	const found = places(line.text), nodes = [];
	let at = 0;
	for (const part of line.parts) {
		const end = at + part.text.length;
		let from = at;
		for (const [begin, stop] of found) {
			const a = Math.max(begin, from), b = Math.min(stop, end);
			if (a >= b)
				continue;
			if (a > from)
				nodes.push(span(part, part.text.slice(from - at, a - at)));
			nodes.push(make("mark", {}, span(part, part.text.slice(a - at, b - at))));
			from = b;
		}
		if (from < end)
			nodes.push(span(part, part.text.slice(from - at)));
		at = end;
	}
	line.element.replaceChildren(...nodes);
	line.element.classList.toggle("hit", found.length > 0);
	line.hit = found.length > 0;
}

let hits_due = 0;

function draw_hits() {
	const all = lines.filter((line) => line.hit);
	$("log-hits").textContent = !query ? "" : hit ? `${all.indexOf(hit) + 1} of ${all.length}` : `${all.length} ${all.length === 1 ? "line" : "lines"}`;
	hits_due = 0;
}

function go_to(line) {
	hit?.element.classList.remove("now");
	hit = line ?? null;
	if (hit) {
		set_follow(false);
		hit.element.classList.add("now");
		hit.element.scrollIntoView({ block: "center" });
	}
	draw_hits();
}

function next_hit(step) {
	const all = lines.filter((line) => line.hit);
	const index = all.indexOf(hit);
	go_to(all.at(index < 0 ? (step > 0 ? 0 : -1) : (index + step) % all.length));
}

function search(text) {
	query = text.toLowerCase();
	lines.forEach(draw_line);
	go_to(null);
}

function set_follow(yes) {
	follow = yes;
	$("log-follow").ariaPressed = String(yes);
	if (yes)
		$("log").scrollTop = $("log").scrollHeight;
}

/* ---- reading ---- */

/* Takes text as it comes, and puts whole lines on the page, many at once. */
function new_writer(box) {
	const ansi = new_ansi();
	let rest = "", waiting = [], frame = 0, open = null;

	function flush() {
		frame = 0;
		const fragment = document.createDocumentFragment();
		for (const line of waiting) {
			line.element = make("div", { className: line.note ? "note" : "" });
			draw_line(line);
			fragment.append(line.element);
		}
		lines.push(...waiting);
		waiting = [];
		while (lines.length > LINES_MAX)
			lines.shift().element.remove();
		box.append(fragment);
		open?.remove();
		open = null;
		if (rest) {
			open = make("div", {}, ...new_ansi()(after_return(rest)).map((part) => span(part, part.text)));
			box.append(open);
		}
		if (follow)
			box.scrollTop = box.scrollHeight;
		hits_due ||= requestAnimationFrame(draw_hits);
	}

	/* What a terminal shows of a line that begins again by CR. */
	const after_return = (text) => text.replace(/\r+$/, "").split("\r").at(-1);

	function add(text, note = false) {
		const parts = ansi(after_return(text).slice(0, LINE_MAX));
		waiting.push({ parts, text: parts.map((part) => part.text).join(""), note, hit: false });
	}

	return {
		take(text) {
			const pieces = (rest + text).split("\n");
			rest = pieces.pop();
			if (rest.length > LINE_MAX)
				pieces.push(rest), (rest = "");
			pieces.slice(-LINES_MAX).forEach((piece) => add(piece));
			frame ||= requestAnimationFrame(flush);
		},
		note(text) {
			add(text, true);
			frame ||= requestAnimationFrame(flush);
		},
		stop() {
			cancelAnimationFrame(frame);
		},
	};
}

async function read(address, control) {
	$("log").replaceChildren();
	lines = [];
	hit = null;
	const writer = new_writer($("log"));
	control.signal.addEventListener("abort", writer.stop);
	try {
		const answer = await fetch(`${address}?limit=${START_BYTES}`, { signal: control.signal, cache: "no-store" });
		if (!answer.ok) {
			writer.note(answer.status === 404 ? "There is no log file: none is configured, or nothing was written yet." : `The server answered ${answer.status}.`);
			return;
		}
		const reader = answer.body.getReader(), decoder = new TextDecoder();
		for (let part = await reader.read(); !part.done; part = await reader.read())
			writer.take(decoder.decode(part.value, { stream: true }));
		writer.note("The connection ended.");
	} catch (error) {
		if (control.signal.aborted)
			return;
		writer.note("The connection was lost.");
	}
	setTimeout(() => control.signal.aborted || read(address, control), 3000);
}

export function close_log() {
	reading?.abort();
	reading = null;
}

export function open_log(address) {
	close_log();
	reading = new AbortController();
	set_follow(true);
	read(address, reading);
}

const flip = (button) => (button.ariaPressed = String(button.ariaPressed !== "true")) === "true";

export const toggle = {
	follow: () => set_follow(!follow),
	wrap: () => $("log").classList.toggle("wrap", flip($("log-wrap"))),
	only: () => $("log").classList.toggle("only", flip($("log-only"))),
};

export function start_log() {
	const box = $("log");
	box.classList.add("wrap");
	let last = 0;
	box.addEventListener("scroll", () => {
		const at_end = box.scrollTop + box.clientHeight >= box.scrollHeight - 24;
		/* Who scrolls up wants to read; who scrolls down to the end wants what comes. */
		if (follow && box.scrollTop < last - 2 && !at_end)
			set_follow(false);
		else if (!follow && at_end && box.scrollTop > last)
			set_follow(true);
		last = box.scrollTop;
	});
	$("log-follow").addEventListener("click", toggle.follow);
	$("log-wrap").addEventListener("click", toggle.wrap);
	$("log-only").addEventListener("click", toggle.only);
	$("log-next").addEventListener("click", () => next_hit(1));
	$("log-previous").addEventListener("click", () => next_hit(-1));
	$("log-search").addEventListener("input", () => search($("log-search").value));
	$("log-search").addEventListener("keydown", (event) => {
		if (event.key === "Enter")
			next_hit(event.shiftKey ? -1 : 1);
		if (event.key === "Escape" && $("log-search").value) {
			event.stopPropagation();
			$("log-search").value = "";
			search("");
		}
	});
}
