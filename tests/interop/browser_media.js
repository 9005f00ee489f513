// Media in a browser page: a canvas with the marker and a tone are sent, what comes is drawn and
// recorded. Then the page asks the server it came from for requests, one after another.

const browserMedia = {
  MediaStream,
  version: () => navigator.userAgent,
  codecs: kind => RTCRtpReceiver.getCapabilities(kind).codecs,
  timers: [],
  audio: null,

  reset() {
    this.timers.forEach(clearInterval);
    this.timers = [];
    document.body.replaceChildren();
    this.audio?.close();
    this.audio = null;
  },

  async whipClient(publishes) {
    if (publishes) return new (await import('/whip.js')).WHIPClient();
    return new (await import('/whep.js')).WHEPClient();
  },

  every(ms, work) { this.timers.push(setInterval(work, ms)); },
  context() { return (this.audio ??= new AudioContext()); },

  async makeTracks(kinds, scale) {
    const videos = kinds.filter(kind => kind === 'video').length;
    let video = 0;
    return Promise.all(kinds.map(kind => (
      kind === 'audio' ? this.makeTone() : this.makePictures(scale, video++, videos))));
  },

  async makeTone() {
    if (navigator.userAgent.includes('Firefox')) {
      // Its imitated microphone gives 440 Hz, as its profile says.
      return (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks()[0];
    }
    const oscillator = new OscillatorNode(this.context(), { frequency: 440 });
    const gain = new GainNode(this.context(), { gain: 0.3 });
    const out = new MediaStreamAudioDestinationNode(this.context(), { channelCount: 1 });
    oscillator.connect(gain).connect(out);
    oscillator.start();
    return out.stream.getAudioTracks()[0];
  },

  makePictures(scale, video, videos) {
    const canvas = document.createElement('canvas');
    canvas.width = 640 * scale;
    canvas.height = 360 * scale;
    const context = canvas.getContext('2d');
    context.scale(scale, scale);
    let number = 0;
    const draw = () => {
      const gradient = context.createLinearGradient(0, 0, 640, 0);
      gradient.addColorStop(0, 'rgb(20,20,20)');
      gradient.addColorStop((number % 100) / 100, 'rgb(200,200,200)');
      gradient.addColorStop(1, 'rgb(20,20,20)');
      context.fillStyle = gradient;
      context.fillRect(0, 45, 640, 315);
      markerCells(counterOf(number, video, videos)).forEach((bright, i) => {
        context.fillStyle = bright ? 'rgb(210,210,210)' : 'rgb(40,40,40)';
        context.fillRect(80 * i, 0, 80, 45);
      });
      ++number;
    };
    draw();
    const stream = canvas.captureStream();
    this.every(50, draw);
    return stream.getVideoTracks()[0];
  },

  watch(track) {
    const element = document.createElement(track.kind);
    element.autoplay = true;
    element.muted = track.kind === 'video';
    element.srcObject = new MediaStream([track]);
    document.body.appendChild(element);
    element.play().catch(() => {});
    return track.kind === 'video' ? this.watchVideo(element) : this.watchAudio(track);
  },

  watchVideo(element) {
    const canvas = document.createElement('canvas');
    canvas.width = 160;
    canvas.height = 16;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    const seen = { looks: 0, markers: 0, values: new Set(), last: null, changes: 0 };
    this.every(40, () => {
      if (!element.videoWidth) return;
      context.drawImage(element, 0, 0, element.videoWidth, element.videoHeight / 8, 0, 0, 160, 16);
      const row = context.getImageData(0, 8, 160, 1).data;
      ++seen.looks;
      const value = readMarker(x => row[4 * Math.floor(160 * x) + 1]);
      if (value === null) return;
      ++seen.markers;
      seen.values.add(value);
      if (value !== seen.last) ++seen.changes;
      seen.last = value;
    });
    return () => ({ looks: seen.looks, markers: seen.markers, values: seen.values.size,
      seen: [...seen.values], changes: seen.changes,
      width: element.videoWidth, height: element.videoHeight });
  },

  // Piece by piece. An AudioContext would be simpler, and does not run in a Firefox without a
  // sound card.
  watchAudio(track) {
    const heard = { hertz: 0, pieces: 0 };
    const timers = this.timers;
    const record = () => {
      const recorder = new MediaRecorder(new MediaStream([track]));
      const parts = [];
      recorder.ondataavailable = event => parts.push(event.data);
      recorder.onstop = async () => {
        if (this.timers !== timers) return;
        record();
        const bytes = await new Blob(parts).arrayBuffer();
        const context = new OfflineAudioContext(1, 48000, 48000);
        const sound = await context.decodeAudioData(bytes).catch(() => null);
        if (!sound) return;
        heard.hertz = frequencyOf(sound.getChannelData(0), 48000);
        ++heard.pieces;
      };
      recorder.start();
      setTimeout(() => { if (recorder.state !== 'inactive') recorder.stop(); }, 400);
    };
    record();
    return () => ({ ...heard });
  },
};

// An HTTP request by the page itself, with all that a page of another origin is kept from.
async function request({ id, url, method, headers, body }) {
  try {
    const reply = await fetch(url, { method, headers, body: body ?? undefined });
    const named = name => [name, reply.headers.get(name)];
    return { id, status: reply.status, text: await reply.text(),
      headers: Object.fromEntries(['location', 'etag', 'link'].map(named)) };
  } catch (error) {
    return { id, error: String(error) };
  }
}

async function serve() {
  const call = makeCall(RTCPeerConnection, browserMedia);
  const handle = asked => (asked.do === 'fetch' ? request(asked) : call(asked));
  for (;;) {
    const request = await (await fetch('/request')).json();
    handle(request).then(reply => fetch('/reply', { method: 'POST', body: JSON.stringify(reply) }));
  }
}
serve();
