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
const isPli = packet => packet[1] === 206 && (packet[0] & 31) === 1;

// Sends the packets of a track back under SSRCs of its own. A PLI about them is one about the
// original.
function echo(track) {
  track.setMediaHandler(new native.RtcpReceivingSession());
  track.onMessage(packet => {
    if (isRtcp(packet)) {
      if (isPli(packet)) track.requestKeyframe();
      return;
    }
    packet[8] ^= 0x55;
    if (track.isOpen()) track.sendMessageBinary(packet);
  });
  return track;
}

class Connection {
  connectionState = 'new';
  iceGatheringState = 'new';

  constructor() {
    this.pc = new native.PeerConnection('peer', { iceServers: [], disableAutoNegotiation: true });
    this.pc.onStateChange(state => { this.connectionState = state; this.onconnectionstatechange?.(); });
    this.pc.onGatheringStateChange(state => { this.iceGatheringState = state; });
    this.pc.onDataChannel(channel => this.ondatachannel?.({ channel: new Channel(channel) }));
    this.tracks = [];  // which live as long as somebody holds them
    this.pc.onTrack(track => this.tracks.push(echo(track)));
  }

  get localDescription() { return this.pc.localDescription(); }
  getReceivers() { return []; }
  getTransceivers() { return []; }
  addTrack({ kind }) {
    if (this.pc.signalingState() === 'have-remote-offer') return;  // the offer has made it
    const section = kind === 'audio' ? new native.Audio(kind, 'SendRecv') : new native.Video(kind, 'SendRecv');
    if (kind === 'audio') section.addOpusCodec(111);
    else section.addVP8Codec(96);
    this.tracks.push(echo(this.pc.addTrack(section)));
  }
  async createOffer() { return 'offer'; }
  async createAnswer() { return 'answer'; }
  async setLocalDescription(type) { this.pc.setLocalDescription(type); }
  async setRemoteDescription({ type, sdp }) { this.pc.setRemoteDescription(sdp, type); }
  createDataChannel(label, { ordered = true, ...init }) {
    return new Channel(this.pc.createDataChannel(label, { unordered: !ordered, ...init }));
  }
  close() { this.pc.close(); }
}

const media = {
  version: () => `${native.getLibraryVersion?.() ?? ''} (node-datachannel ${version})`.trim(),
  reset() {},
  MediaStream: class {},
  makeTracks: kinds => kinds.map(kind => ({ kind })),
};

const handle = makeCall(Connection, media);
const lines = readline.createInterface({ input: process.stdin });
lines.on('line', line => handle(JSON.parse(line)).then(reply => console.log(JSON.stringify(reply))));
lines.on('close', () => process.exit(0));
