/* What a person can make happen: requests to the JSON API, questions first where it would hurt, short messages after. */
import { store } from "./store.js";

export const $ = (id) => document.getElementById(id);

/* An element: make("b", {className: "x"}, "text", child, ...) */
export function make(tag, properties = {}, ...children) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...children);
	return element;
}

export function toast(text, bad = false) {
	const box = make("div", { className: bad ? "toast bad" : "toast" }, text);
	$("toasts").append(box);
	while ($("toasts").children.length > 4)
		$("toasts").firstChild.remove();
	setTimeout(() => box.remove(), bad ? 8000 : 3500);
}

export function ask(text, yes) {
	$("ask-text").textContent = text;
	$("ask-yes").textContent = yes;
	$("ask").returnValue = "no";
	$("ask").showModal();
	return new Promise((done) => $("ask").addEventListener("close", () => done($("ask").returnValue === "yes"), { once: true }));
}

async function post(path, body) {
	const answer = await fetch(path, {
		method: "POST",
		headers: { "Content-Type": "application/json", "X-Reeve-Token": store.token },
		body: JSON.stringify(body),
	});
	const said = await answer.json().catch(() => ({}));
	if (!answer.ok)
		throw new Error(said.error?.message ?? `the server answered ${answer.status}`);
	return said;
}

const WORDS = { start: "started", stop: "stopped", restart: "restarted", clear: "cleared" };

/* Do `verb` to processes. Each gets what became of it; what failed is said by name. */
export async function act(verb, ids) {
	if (ids.length === 0)
		return;
	if (ids.length > 1 && verb !== "start" &&
		!(await ask(`${verb === "clear" ? "Clear the logs of" : verb === "stop" ? "Stop" : "Restart"} ${ids.length} processes?`,
			verb === "clear" ? "Clear" : verb === "stop" ? "Stop" : "Restart")))
		return;
	try {
		const said = await post(`/api/v1/processes/${verb}`, { names: ids, wait: true });
		const failed = said.results.filter((result) => result.status !== "SUCCESS");
		for (const result of failed.slice(0, 3))
			toast(`${result.id}: ${result.message}`, true);
		if (failed.length > 3)
			toast(`and ${failed.length - 3} more could not be ${WORDS[verb]}`, true);
		const done = said.results.length - failed.length;
		if (done > 0)
			toast(done === 1 ? `${said.results.find((result) => result.status === "SUCCESS").id} ${WORDS[verb]}` : `${done} ${WORDS[verb]}`);
	} catch (error) {
		toast(error.message, true);
	}
}

const SELF = {
	update: ["Read the configuration again, and bring the processes up to date with it? Groups that changed are restarted.", "Update"],
	restart: ["Stop everything, and start it again with the configuration as it is now?", "Restart"],
	shutdown: ["Stop every process, and the supervisor too? This page ends with it.", "Shut down"],
};

export async function act_on_supervisor(verb) {
	$("self").close();
	if (!(await ask(...SELF[verb])))
		return;
	try {
		const said = await post(`/api/v1/supervisor/${verb}`, {});
		toast(verb !== "update" ? "It is on its way" :
			["added", "changed", "removed"].filter((what) => said[what].length).map((what) => `${what}: ${said[what].join(", ")}`).join("; ") ||
				"Nothing has changed");
	} catch (error) {
		toast(error.message, true);
	}
}
