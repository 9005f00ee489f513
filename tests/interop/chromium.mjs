// node chromium.mjs SCENARIO PROGRAM [ARGS...]: a call between headless Chromium and PROGRAM (whose
// lines echo_peer.cpp describes). SCENARIO is JSON: {"offerer":"peer"|"parley","data":bool,
// "seconds":n,"closer":"peer"|"parley"}. Prints one JSON line with what the browser measured.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import readline from 'node:readline';
import { fileURLToPath } from 'node:url';

const require = createRequire(process.env.PARLEY_NODE_MODULES + '/');
const { chromium } = require('playwright-core');
const here = path.dirname(fileURLToPath(import.meta.url));
const page_source = fs.readFileSync(path.join(here, 'page.js'), 'utf8');

const scenario = JSON.parse(process.argv[2]);
const result = { parley: [], errors: [] };

// getUserMedia wants a page that comes from somewhere.
const server = http.createServer((request, response) => {
  response.setHeader('content-type', 'text/html');
  response.end(`<body><script>${page_source}</script></body>`);
});
await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));

const browser = await chromium.launch({
  executablePath: process.env.PARLEY_CHROMIUM ?? '/usr/bin/chromium',
  headless: true,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
    '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream',
    '--allow-loopback-in-peer-connection', '--disable-features=WebRtcHideLocalIpsWithMdns',
    '--autoplay-policy=no-user-gesture-required', '--disable-background-networking'],
});
result.version = browser.version();
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);

const program = spawn(process.argv[3], process.argv.slice(4), { stdio: ['pipe', 'pipe', 'inherit'] });
const program_exit = new Promise(resolve => program.once('exit', code => resolve(code)));
let give_description;
const description = new Promise(resolve => { give_description = resolve; });
readline.createInterface({ input: program.stdout }).on('line', text => {
  const line = JSON.parse(text);
  if (line.sdp) give_description(line);
  else result.parley.push({ ...line, ms: performance.now() });
});
const send = line => program.stdin.write(line + '\n');
const within = (promise, ms, what) => Promise.race([promise,
  new Promise((_, reject) => setTimeout(() => reject(new Error(`${what}: nothing in ${ms} ms`)), ms))]);

try {
  if (scenario.offerer === 'parley') {
    const offer = await within(description, 5000, 'offer of parley');
    result.offer = offer.sdp;
    const answer = await page.evaluate(([o, s]) => answerCall(o, s), [offer, scenario]);
    result.answer = answer.sdp;
    send(JSON.stringify(answer));
  } else {
    const offer = await page.evaluate(s => offerCall(s), scenario);
    result.offer = offer.sdp;
    send(JSON.stringify(offer));
    const answer = await within(description, 5000, 'answer of parley');
    result.answer = answer.sdp;
    await page.evaluate(a => acceptAnswer(a), answer);
  }
  result.browser = await page.evaluate(s => measureCall(s), scenario.seconds);
  const from = performance.now();
  if (scenario.closer === 'parley') {
    send('close');
    result.closed = await page.evaluate(() => closedWithin(3));
  } else {
    await page.evaluate(() => closeCall());
    const seen = () => result.parley.find(
      line => line.event === 'connection' && line.ms > from && line.state !== 'connected');
    while (!seen() && performance.now() - from < 3000) await new Promise(r => setTimeout(r, 20));
    result.closed = { gone: !!seen(), state: seen()?.state, ms: (seen()?.ms ?? 0) - from };
  }
} catch (error) {
  result.errors.push(String(error));
}
program.stdin.end();
result.exit = await Promise.race([program_exit, new Promise(r => setTimeout(() => r('hangs'), 3000))]);
if (result.exit === 'hangs') program.kill('SIGKILL');
await browser.close();
server.close();
process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0));
