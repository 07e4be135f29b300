#!/usr/bin/env node
const answer: string = `node ${process.versions.node} ${process.cwd()} ${process.argv.slice(2).join(' ')}`;
console.log(answer);
