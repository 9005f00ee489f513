// node libdatachannel_peer.cjs: libdatachannel, as the npm package node-datachannel builds it, as one
// end of calls. It leaves codecs to others: what comes as RTP goes back as RTP. Answers requests on
// standard input (docs/interop.md lists them).
const readline = require('node:readline');
const { makeCall } = require('./call.js');
const modules = process.env.PARLEY_NODE_MODULES;
const native = require(modules + '/node-datachannel');
const { version } = require(modules + '/node-datachannel/package.json');

// As much of the W3C interfaces as call.js uses.
class Channel {
  constructor(channel) {
    this.channel = channel;
    this.label = channel.getLabel();
    this.readyState = channel.isOpen() ? 'open' : 'connecting';
    channel.onOpen(() => { this.readyState = 'open'; this.onopen?.(); });
    channel.onClosed(() => { this.readyState = 'closed'; this.onclose?.(); });
    channel.onMessage(data => this.onmessage?.({ data }));
  }

  get id() { return this.channel.getId(); }
  get bufferedAmount() { return this.channel.bufferedAmount(); }
  close() { this.channel.close(); }
  send(data) {
    if (typeof data === 'string') this.channel.sendMessage(data);
    else this.channel.sendMessageBinary(data);
  }
}

// Of RFC 5761 section 4: the packet types of RTCP in the second byte.
const isRtcp = packet => packet[1] >= 192 && packet[1] <= 223;

// Between the SSRC of a packet and that of its echo; byte 8 is of the SSRC in RTP, and of that of the
// medium in feedback (RFC 4585 section 6.1).
function exchangeSsrc(packet) { packet[8] ^= 0x55; }

// The NACKs and PLIs in a compound packet about an echo, made ones about the original; null for none.
function feedbackIn(compound) {
  const found = [Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 1])];  // an empty report goes first (RFC 3550 section 6.1)
  for (let at = 0; at + 12 <= compound.length;) {
    const packet = compound.subarray(at, at + 4 + 4 * compound.readUInt16BE(at + 2));
    if (packet[1] === 205 || packet[1] === 206) {
      exchangeSsrc(packet);
      found.push(packet);
    }
    at += packet.length;
  }
  return found.length > 1 ? Buffer.concat(found) : null;
}

// The sender of a native track: sends its packets back as long as it has a track of the W3C's.
class Sender {
  constructor(line, track) {
    this.line = line;
    this.track = track;
    line.onMessage(packet => {
      try {
        this.answer(packet);
      } catch (error) {
        // Its threads close the line when they like, also after it was asked.
        if (line.isOpen()) throw error;
      }
    });
  }

  answer(packet) {
    if (!this.line.isOpen()) return;
    if (isRtcp(packet)) {
      const feedback = feedbackIn(packet);
      if (feedback) this.line.sendMessageBinary(feedback);
    } else if (this.track) {
      exchangeSsrc(packet);
      this.line.sendMessageBinary(packet);
    }
  }

  async replaceTrack(track) { this.track = track; }
}

class Connection {
  connectionState = 'new';
  iceGatheringState = 'new';

  constructor() {
    this.pc = new native.PeerConnection('peer', { iceServers: [], disableAutoNegotiation: true });
    this.pc.onStateChange(state => { this.connectionState = state; this.onconnectionstatechange?.(); });
    this.pc.onGatheringStateChange(state => { this.iceGatheringState = state; });
    this.pc.onDataChannel(channel => this.ondatachannel?.({ channel: new Channel(channel) }));
    this.senders = [];  // whose native tracks live as long as somebody holds them
    this.pc.onTrack(track => this.senders.push(new Sender(track, { kind: track.type() })));
  }

  get localDescription() { return this.pc.localDescription(); }
  get signalingState() { return this.pc.signalingState(); }
  getReceivers() { return []; }
  getTransceivers() { return []; }
  getSenders() { return this.senders; }
  addTrack(track) {
    if (this.signalingState === 'have-remote-offer') return;  // the offer has made it
    const { kind } = track, mid = `${kind}${this.senders.length}`;
    const section = kind === 'audio' ? new native.Audio(mid, 'SendRecv') : new native.Video(mid, 'SendRecv');
    if (kind === 'audio') section.addOpusCodec(111);
    else section.addVP8Codec(96);
    // Of several videos the packets tell which by their mid.
    section.parseSdpLine('a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid');
    this.senders.push(new Sender(this.pc.addTrack(section), track));
  }
  async createOffer() { return 'offer'; }
  async createAnswer() { return 'answer'; }
  async setLocalDescription(description) { this.pc.setLocalDescription(description.type ?? description); }
  async setRemoteDescription({ type, sdp }) { this.pc.setRemoteDescription(sdp, type); }
  createDataChannel(label, { ordered = true, ...init }) {
    return new Channel(this.pc.createDataChannel(label, { unordered: !ordered, ...init }));
  }
  close() { this.pc.close(); }
}

const media = {
  rollsBackByHand: true,
  version: () => `${native.getLibraryVersion?.() ?? ''} (node-datachannel ${version})`.trim(),
  reset() {},
  MediaStream: class {},
  makeTracks: kinds => kinds.map(kind => ({ kind })),
};

const handle = makeCall(Connection, media);
const lines = readline.createInterface({ input: process.stdin });
lines.on('line', line => handle(JSON.parse(line)).then(reply => console.log(JSON.stringify(reply))));
lines.on('close', () => process.exit(0));
