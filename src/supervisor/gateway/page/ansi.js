/* Terminal text to spans: colours and weights are kept, every other escape sequence is dropped. */

const SEQUENCE = /\x1b(?:\[([0-9;:]*)[ -/]*([@-~])|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f]/g;
const STYLES = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
const ENDS = { 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["strike"] };

const plain = () => ({ styles: new Set(), fg: null, bg: null });

/* The colour that codes[at], 38 or 48, begins: [colour, how many codes it took]. */
function colour(codes, at) {
	if (codes[at + 1] === 2)
		return [`rgb(${codes.slice(at + 2, at + 5).map((part) => Math.min(part || 0, 255)).join(" ")})`, 5];
	const n = Math.min(codes[at + 2] || 0, 255);
	if (n < 16)
		return [n, 3];
	if (n >= 232)
		return [`rgb(${Array(3).fill(8 + (n - 232) * 10).join(" ")})`, 3];
	const part = (value) => (value ? value * 40 + 55 : 0), cube = n - 16;
	return [`rgb(${part(Math.floor(cube / 36))} ${part(Math.floor(cube / 6) % 6)} ${part(cube % 6)})`, 3];
}

function select(state, parameters) {
	const codes = parameters.split(/[;:]/).map(Number);
	for (let at = 0; at < codes.length; at++) {
		const code = codes[at];
		if (code === 0)
			Object.assign(state, plain());
		else if (STYLES[code])
			state.styles.add(STYLES[code]);
		else if (ENDS[code])
			ENDS[code].forEach((style) => state.styles.delete(style));
		else if (code === 38 || code === 48) {
			const [value, taken] = colour(codes, at);
			state[code === 38 ? "fg" : "bg"] = value;
			at += taken - 1;
		} else if (code === 39)
			state.fg = null;
		else if (code === 49)
			state.bg = null;
		else if (code >= 30 && code <= 37 || code >= 90 && code <= 97)
			state.fg = code >= 90 ? code - 82 : code - 30;
		else if (code >= 40 && code <= 47 || code >= 100 && code <= 107)
			state.bg = code % 10;
	}
}

/* A reader of one stream: what a line turned on stays on in the next. */
export function new_ansi() {
	const state = plain();
	/* [{text, names, fg, bg}, ...] of a line; fg and bg are colours that have no class. */
	return (line) => {
		const parts = [];
		let from = 0;
		const take = (to) => {
			if (to === from)
				return;
			const names = [...state.styles].map((style) => `ansi-${style}`);
			if (typeof state.fg === "number")
				names.push(`fg${state.fg}`);
			if (typeof state.bg === "number")
				names.push(`bg${state.bg}`);
			parts.push({ text: line.slice(from, to), names: names.join(" "), fg: typeof state.fg === "string" ? state.fg : "", bg: typeof state.bg === "string" ? state.bg : "" });
		};
		for (const match of line.matchAll(SEQUENCE)) {
			take(match.index);
			from = match.index + match[0].length;
			if (match[2] === "m")
				select(state, match[1]);
		}
		take(line.length);
		return parts;
	};
}
