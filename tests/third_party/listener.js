// A listener of events by somebody else's package: writes each to a file.
'use strict';
const fs = require('fs');
const listener = require('supervisord-eventlistener');
const file = fs.openSync(process.argv[2], 'a');

listener.on('event', (type, headers, data) =>
	fs.writeSync(file, `${type} ${headers.pool} ${data ? Object.entries(data).map(pair => pair.join('=')).join(' ') : ''}\n`));
listener.listen(process.stdin, process.stdout);
