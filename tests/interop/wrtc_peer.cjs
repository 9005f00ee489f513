// node wrtc_peer.cjs: libwebrtc, as the npm package @roamhq/wrtc builds it, as one end of calls.
// Answers requests on standard input (docs/interop.md lists them).
const readline = require('node:readline');
const { makeCall, counterOf, readMarker, markerCells, frequencyOf } = require('./call.js');
const wrtc = require(process.env.PARLEY_NODE_MODULES + '/@roamhq/wrtc');
const { version } = require(process.env.PARLEY_NODE_MODULES + '/@roamhq/wrtc/package.json');
const { RTCAudioSource, RTCVideoSource, RTCAudioSink, RTCVideoSink } = wrtc.nonstandard;

const WIDTH = 640, HEIGHT = 360;

function drawPicture(data, number, counter, width, height) {
  const cells = markerCells(counter);
  for (let y = 0, i = 0; y < height; ++y) {
    for (let x = 0; x < width; ++x, ++i) {
      data[i] = y < height / 8 ? (cells[x * 8 / width | 0] ? 200 : 40) : 16 + (x + y + 2 * number) / 2 % 200;
    }
  }
}

const media = {
  MediaStream: wrtc.MediaStream,
  version: () => version,
  codecs: kind => wrtc.RTCRtpReceiver.getCapabilities(kind).codecs,
  rollsBackByHand: true,
  timers: [],
  sinks: [],

  reset() {
    this.timers.splice(0).forEach(clearInterval);
    this.sinks.splice(0).forEach(sink => sink.stop());
  },

  makeTracks(kinds, scale) {
    const videos = kinds.filter(kind => kind === 'video').length;
    let video = 0;
    return kinds.map(kind => (
      kind === 'audio' ? this.makeTone() : this.makePictures(scale, video++, videos)));
  },

  // `work(n)` is called n times `ms` after now; times that a busy host missed are made up for only if
  // `all` must come.
  atRate(ms, all, work) {
    const begun = performance.now();
    let done = 0;
    this.timers.push(setInterval(() => {
      const due = Math.floor((performance.now() - begun) / ms);
      if (!all) done = Math.max(done, due);
      for (; done <= due; ++done) work(done);
    }, 5));
  },

  makeTone() {
    const source = new RTCAudioSource();
    const samples = new Int16Array(480);
    this.atRate(10, true, block => {
      for (let i = 0; i < 480; ++i) samples[i] = 8000 * Math.sin(2 * Math.PI * 440 * (block * 480 + i) / 48000);
      source.onData({ samples, sampleRate: 48000, bitsPerSample: 16, channelCount: 1, numberOfFrames: 480 });
    });
    return source.createTrack();
  },

  makePictures(scale, video, videos) {
    const source = new RTCVideoSource();
    const width = WIDTH * scale, height = HEIGHT * scale;
    const data = new Uint8ClampedArray(width * height * 1.5).fill(128);
    this.atRate(50, false, number => {
      drawPicture(data, number, counterOf(number, video, videos), width, height);
      source.onFrame({ width, height, data });
    });
    return source.createTrack();
  },

  watch(track) { return track.kind === 'audio' ? this.watchAudio(track) : this.watchVideo(track); },

  watchAudio(track) {
    const sink = new RTCAudioSink(track);
    const seen = { blocks: 0, hertz: 0 };
    let window = [];
    sink.ondata = ({ samples, sampleRate }) => {
      ++seen.blocks;
      for (const sample of samples) window.push(sample / 32768);
      if (window.length < sampleRate / 2) return;
      seen.hertz = frequencyOf(window, sampleRate);
      window = [];
    };
    this.sinks.push(sink);
    return () => seen;
  },

  watchVideo(track) {
    const sink = new RTCVideoSink(track);
    const seen = { frames: 0, markers: 0, values: new Set() };
    sink.onframe = ({ frame: { width, height, data } }) => {
      ++seen.frames;
      const value = readMarker(x => data[(height >> 4) * width + Math.floor(width * x)]);
      if (value === null) return;
      ++seen.markers;
      seen.values.add(value);
    };
    this.sinks.push(sink);
    return () => ({ ...seen, values: seen.values.size, seen: [...seen.values] });
  },
};

const handle = makeCall(wrtc.RTCPeerConnection, media);
const lines = readline.createInterface({ input: process.stdin });
lines.on('line', line => handle(JSON.parse(line)).then(reply => console.log(JSON.stringify(reply))));
lines.on('close', () => process.exit(0));
