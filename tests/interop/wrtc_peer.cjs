// node wrtc_peer.cjs SCENARIO PROGRAM [ARGS...]: a call between libwebrtc (as the npm package
// @roamhq/wrtc builds it) and PROGRAM (whose lines echo_peer.cpp describes). Prints one JSON line.
const { spawn } = require('node:child_process');
const readline = require('node:readline');
const wrtc = require(process.env.PARLEY_NODE_MODULES + '/@roamhq/wrtc');
const version = require(process.env.PARLEY_NODE_MODULES + '/@roamhq/wrtc/package.json').version;

const scenario = JSON.parse(process.argv[2]);
const result = { version, parley: [], errors: [] };
const wait = ms => new Promise(resolve => setTimeout(resolve, ms));
async function until(condition, seconds) {
  const end = performance.now() + seconds * 1000;
  while (!condition() && performance.now() < end) await wait(20);
  return condition();
}

async function main() {
  const program = spawn(process.argv[3], process.argv.slice(4), { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = new Promise(resolve => program.once('exit', resolve));
  let described;
  const description = new Promise(resolve => { described = resolve; });
  readline.createInterface({ input: program.stdout }).on('line', text => {
    const line = JSON.parse(text);
    if (line.sdp) described(line);
    else result.parley.push({ ...line, ms: performance.now() });
  });
  const say = line => program.stdin.write(line + '\n');

  const pc = new wrtc.RTCPeerConnection({});
  const audio = new wrtc.nonstandard.RTCAudioSource();
  const video = new wrtc.nonstandard.RTCVideoSource();
  const heard = { audio: 0, video: 0, loudest: 0, spread: 0 };
  pc.ontrack = event => {
    if (event.track.kind === 'audio') {
      new wrtc.nonstandard.RTCAudioSink(event.track).ondata = ({ samples }) => {
        ++heard.audio;
        for (const sample of samples) heard.loudest = Math.max(heard.loudest, Math.abs(sample));
      };
    } else {
      new wrtc.nonstandard.RTCVideoSink(event.track).onframe = ({ frame }) => {
        ++heard.video;
        let low = 255, high = 0;
        for (let i = 0; i < frame.width * frame.height; i += 16) {
          low = Math.min(low, frame.data[i]);
          high = Math.max(high, frame.data[i]);
        }
        heard.spread = high - low;
      };
    }
  };
  const addMedia = () => {
    const stream = new wrtc.MediaStream([audio.createTrack(), video.createTrack()]);
    for (const track of stream.getTracks()) pc.addTrack(track, stream);
  };
  const gathered = () => until(() => pc.iceGatheringState === 'complete', 3);

  const samples = new Int16Array(480);
  const picture = new Uint8ClampedArray(320 * 240 * 1.5).fill(128);
  let blocks = 0, pictures = 0;
  const begun = performance.now();
  const media = setInterval(() => {
    const now = performance.now() - begun;
    for (; blocks * 10 < now; ++blocks) {
      for (let i = 0; i < 480; ++i) {
        samples[i] = 8000 * Math.sin(2 * Math.PI * 440 * (blocks * 480 + i) / 48000);
      }
      audio.onData({ samples, sampleRate: 48000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 });
    }
    if (pictures * 50 > now) return;
    for (let i = 0; i < 320 * 240; ++i) picture[i] = (i % 320 + pictures * 3) % 256;
    video.onFrame({ width: 320, height: 240, data: picture });
    ++pictures;
  }, 5);

  let started;
  try {
    if (scenario.offerer === 'parley') {
      const offer = await description;
      result.offer = offer.sdp;
      await pc.setRemoteDescription(offer);
      addMedia();
      await pc.setLocalDescription(await pc.createAnswer());
      await gathered();
      result.answer = pc.localDescription.sdp;
      started = performance.now();
      say(JSON.stringify({ type: 'answer', sdp: pc.localDescription.sdp }));
    } else {
      addMedia();
      if (scenario.data) pc.createDataChannel('refused');
      await pc.setLocalDescription(await pc.createOffer());
      await gathered();
      result.offer = pc.localDescription.sdp;
      say(JSON.stringify({ type: 'offer', sdp: pc.localDescription.sdp }));
      const answer = await description;
      result.answer = answer.sdp;
      started = performance.now();
      await pc.setRemoteDescription(answer);
    }
    const connected = await until(() => pc.connectionState === 'connected', 8);
    result.peer = { connected, state: pc.connectionState, connectMs: performance.now() - started };
    if (connected) {
      await until(() => heard.video > 0, 3);
      result.peer.before = { ...heard };
      await wait(scenario.seconds * 1000);
      result.peer.after = { ...heard };
      result.peer.stats = [];
      (await pc.getStats()).forEach(entry => result.peer.stats.push(entry));
    }
    const from = performance.now();
    if (scenario.closer === 'parley') {
      say('close');
      const transport = () => pc.getReceivers()[0].transport;
      const gone = await until(() => transport() && transport().state === 'closed', 3);
      result.closed = { gone, ms: performance.now() - from };
    } else {
      pc.close();
      const gone = await until(() => result.parley.some(
        line => line.event === 'connection' && line.state !== 'connected' && line.ms > from), 3);
      result.closed = { gone, ms: performance.now() - from };
    }
  } catch (error) {
    result.errors.push(String(error));
  }
  clearInterval(media);
  program.stdin.end();
  result.exit = await Promise.race([exit, wait(3000).then(() => 'hangs')]);
  if (result.exit === 'hangs') program.kill('SIGKILL');
  process.stdout.write(JSON.stringify(result) + '\n', () => process.exit(0));
}
main();
