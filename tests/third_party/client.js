// Prints what a client of somebody else's comes to, as JSON: a list of results, {"fault": number} where there is one.
//
//	client.js node-supervisord URL USER PASSWORD METHOD,ARGUMENT... METHOD...
//	client.js supervisord SOCKET METHOD,ARGUMENT... METHOD...
'use strict';

function nodeSupervisord(url, username, password) {
	const { SupervisordClient } = require('node-supervisord');
	const client = new SupervisordClient(url, { username, password });
	return (method, ...args) => client[method](...args);
}

function supervisord(socket) {
	const client = require('supervisord').connect({ socketPath: socket });
	return (method, ...args) => new Promise((resolve, reject) =>
		client[method](...args, (error, value) => error ? reject(error) : resolve(value)));
}

async function main(kind, ...rest) {
	const call = kind === 'supervisord' ? supervisord(rest.shift()) : nodeSupervisord(...rest.splice(0, 3));
	const results = [];
	for (const line of rest) {
		try {
			results.push(await call(...line.split(',')));
		} catch (error) {
			results.push({ fault: error.faultCode ?? String(error) });
		}
	}
	console.log(JSON.stringify(results));
}

main(...process.argv.slice(2)).then(() => process.exit(0));
