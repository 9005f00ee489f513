// A call through the W3C interface, for browsers and for packages that imitate it: answers the
// requests that docs/interop.md lists. `media` makes tracks and looks at those received.

const wait = ms => new Promise(resolve => setTimeout(resolve, ms));

async function until(condition, seconds) {
  const end = performance.now() + seconds * 1000;
  while (!condition() && performance.now() < end) await wait(10);
  return condition();
}

// The cells of tests/interop/parley_peer/test_media.hpp.
function markerCells(number) {
  const bits = [3, 2, 1, 0].map(i => number >> i & 1);
  return [1, 0, ...bits, bits.reduce((a, b) => a ^ b), 1];
}

// What the n-th picture counts. Of several videos each keeps to four values of its own.
const counterOf = (n, video, videos) => (videos > 1 ? 4 * video + n % 4 : n % 16);

// `luma(x)` gives the brightness (0 to 255) at x (0 to 1) in the strip of the marker.
function readMarker(luma) {
  const cells = [...Array(8).keys()].map(i => (luma((i + 0.5) / 8) > 120 ? 1 : 0));
  const number = cells[2] * 8 + cells[3] * 4 + cells[4] * 2 + cells[5];
  return markerCells(number).every((cell, i) => cell === cells[i]) ? number : null;
}

// The frequency of a sine in `samples` (-1 to 1); 0 for silence. The median of its periods, so that a
// gap, which statistics tell of, does not look like another tone.
function frequencyOf(samples, rate) {
  const periods = [];
  let last = null, below = false;
  for (let i = 1; i < samples.length; ++i) {
    if (samples[i] < -0.015) below = true;
    if (!below || samples[i] < 0) continue;
    below = false;
    // Where the line between the two samples crosses zero.
    const zero = i - samples[i] / (samples[i] - samples[i - 1]);
    if (last !== null) periods.push(zero - last);
    last = zero;
  }
  periods.sort((a, b) => a - b);
  return periods.length ? rate / periods[periods.length >> 1] : 0;
}

function makeCall(RTCPeerConnection, media) {
  let pc, states, described, connectedAt, goneAt, tracks, channels, silenced, client;

  const settled = async () => {
    await until(() => pc.iceGatheringState === 'complete', 4);
    return { type: pc.localDescription.type, sdp: pc.localDescription.sdp };
  };

  async function attach(kinds, encodings) {
    if (!kinds || !kinds.length) return;
    // libwebrtc sends three encodings of pictures of 960x540 and more only. Two cores are too few
    // for several videos of 640x360.
    const made = await media.makeTracks(kinds, encodings ? 1.5 : kinds.length > 2 ? 0.5 : 1);
    for (const track of made) {
      if (encodings && track.kind === 'video') {
        pc.addTransceiver(track, { direction: 'sendonly', sendEncodings: encodings });
      } else {
        pc.addTrack(track, new media.MediaStream([track]));
      }
    }
  }

  const receive = directions => {
    for (const kind of directions?.recvonly ?? []) pc.addTransceiver(kind, { direction: 'recvonly' });
  };

  function prefer(codecs) {
    if (!codecs) return;
    for (const transceiver of pc.getTransceivers()) {
      if (transceiver.receiver.track.kind !== 'video') continue;
      const all = media.codecs('video');
      const named = name => all.filter(codec => codec.mimeType.toLowerCase() === 'video/' + name);
      const wanted = codecs.flatMap(name => named(name.toLowerCase()));
      if (!wanted.length) throw new Error(`has no ${codecs}`);
      transceiver.setCodecPreferences([...wanted, ...named('rtx')]);
    }
  }

  function adopt(channel, echoes) {
    const entry = { channel, echoes, received: [], early: [], open: channel.readyState === 'open' };
    channel.binaryType = 'arraybuffer';
    channel.onopen = () => {
      entry.open = true;
      entry.early.splice(0).forEach(data => channel.send(data));
    };
    channel.onclose = () => { entry.closed = true; };
    channel.onmessage = event => {
      if (!echoes) entry.received.push(event.data);
      // @roamhq/wrtc may show messages before it calls the channel open, and throws when asked to send then. Its
      // readyState changes before the event comes: what followed would overtake those that wait for it.
      else if (!entry.open) entry.early.push(event.data);
      else channel.send(event.data);
    };
    channels.push(entry);
    return entry;
  }
  const own = label => channels.findLast(c => !c.echoes && c.channel.label === label);

  const message = (number, size, text) => {
    if (text) return 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(1 + size / 36).slice(number % 36).padEnd(size, '.').slice(0, size);
    return Uint8Array.from({ length: size }, (_, i) => i * 31 + number * 7);
  };
  const equal = (sent, back) => {
    if (typeof sent === 'string') return sent === back;
    if (typeof back === 'string' || back.byteLength !== sent.byteLength) return false;
    const bytes = new Uint8Array(back);
    return sent.every((byte, i) => byte === bytes[i]);
  };

  const dtlsClosed = () => [...pc.getReceivers(), ...(pc.sctp ? [pc.sctp] : [])].some(
    r => r.transport && r.transport.state === 'closed');

  const commands = {
    async start(options) {
      if (pc) pc.close();
      media.reset();
      pc = new RTCPeerConnection({});
      states = [];
      tracks = [];
      channels = [];
      silenced = new Map();
      connectedAt = goneAt = described = undefined;
      const connection = pc;
      pc.onconnectionstatechange = () => {
        if (connection !== pc) return;
        states.push(pc.connectionState);
        if (pc.connectionState === 'connected') connectedAt ??= performance.now();
        else if (connectedAt !== undefined) goneAt ??= performance.now();
      };
      pc.ontrack = event => tracks.push({ transceiver: event.transceiver,
        watch: media.watch(event.track), kind: event.track.kind, track: event.track });
      pc.ondatachannel = event => adopt(event.channel, true);
      return { version: media.version() };
    },

    async offer({ media: kinds, encodings, codecs, restart, directions }) {
      await attach(kinds, encodings);
      receive(directions);
      prefer(codecs);
      await pc.setLocalDescription(await pc.createOffer(restart ? { iceRestart: true } : {}));
      await wait(0);
      return settled();
    },

    async answer({ sdp, media: kinds, codecs }) {
      if (media.rollsBackByHand && pc.signalingState === 'have-local-offer') {
        await pc.setLocalDescription({ type: 'rollback', sdp: '' });
      }
      await pc.setRemoteDescription({ type: 'offer', sdp });
      await attach(kinds);
      prefer(codecs);
      await pc.setLocalDescription(await pc.createAnswer());
      const description = await settled();
      described = performance.now();
      return description;
    },

    async accept({ sdp }) {
      described = performance.now();
      await pc.setRemoteDescription({ type: 'answer', sdp });
    },

    // Publishes what is sent, or views, by the library whip-whep.
    async join({ url, token, media: kinds, directions }) {
      await attach(kinds);
      receive(directions);
      client = await media.whipClient(!!kinds);
      const watching = pc.onconnectionstatechange; // The library takes the handler's place.
      described = performance.now();
      await (kinds ? client.publish(pc, url, token) : client.view(pc, url, token));
      pc.onconnectionstatechange = watching;
      return { location: client.resourceURL.href };
    },

    async leave() { await client.stop(); },

    async connected({ seconds }) {
      const connected = await until(() => connectedAt !== undefined, seconds);
      return { connected, states: states.join(' '), ms: connected ? connectedAt - described : null };
    },

    // connectionState of Chromium and libwebrtc stays connected after close_notify, the state of
    // the DTLS transport tells.
    async gone({ seconds }) {
      const gone = await until(() => goneAt !== undefined || dtlsClosed(), seconds);
      return { gone, states: states.join(' ') };
    },

    // Takes every track from its sender, or gives it back; no description changes.
    async mute({ muted }) {
      for (const sender of pc.getSenders()) {
        if (muted && sender.track) {
          silenced.set(sender, sender.track);
          await sender.replaceTrack(null);
        } else if (!muted && silenced.has(sender)) {
          await sender.replaceTrack(silenced.get(sender));
        }
      }
    },

    async counts() {
      return { tracks: tracks.map(t => ({ mid: t.transceiver?.mid ?? '', kind: t.kind, ...t.watch() })) };
    },

    async stats() {
      const all = [];
      (await pc.getStats()).forEach(entry => all.push(entry));
      return { stats: all };
    },

    async channel({ label, init, echo }) {
      adopt(pc.createDataChannel(label, init ?? {}), !!echo);
    },

    async opened({ labels, seconds }) {
      const open = await until(() => labels.every(label => own(label)?.open), seconds);
      return { open, waiting: labels.filter(label => !own(label)?.open),
        ids: labels.map(label => own(label)?.channel.id) };
    },

    // Sends messages of the given sizes, all at once, and compares what comes back.
    async talk({ label, sizes, text, seconds }) {
      const entry = own(label);
      entry.received = [];
      const sent = sizes.map((size, number) => message(number, size, text));
      for (const one of sent) {
        entry.channel.send(one);
        if (entry.channel.bufferedAmount > 1 << 20) await wait(1);
      }
      const from = performance.now();
      await until(() => entry.received.length >= sent.length, seconds);
      const ms = performance.now() - from;
      const left = [...sent];
      let wrong = 0, reordered = 0;
      for (const back of entry.received) {
        const at = left.findIndex(one => equal(one, back));
        if (at < 0) ++wrong;
        else if (at > 0) ++reordered;
        if (at >= 0) left.splice(at, 1);
      }
      return { sent: sent.length, back: entry.received.length, wrong, reordered, ms };
    },

    async hangup({ label, seconds }) {
      const entry = own(label);
      entry.channel.close();
      const closed = await until(() => entry.closed, seconds);
      return { closed, state: entry.channel.readyState };
    },

    async close() { pc.close(); },
  };

  return async request => {
    try {
      if (!commands[request.do]) throw new Error(`has no command ${request.do}`);
      return { id: request.id, ...await commands[request.do]({ seconds: 8, ...request }) };
    } catch (error) {
      return { id: request.id, error: String(error) };
    }
  };
}

if (typeof module !== 'undefined') module.exports = { makeCall, counterOf, readMarker, markerCells, frequencyOf };
