// node libdatachannel_peer.cjs: libdatachannel, as the npm package node-datachannel builds it, as one
// end of calls without media. Answers requests on standard input (docs/interop.md lists them).
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

class Connection {
  connectionState = 'new';
  iceGatheringState = 'new';

  constructor() {
    this.pc = new native.PeerConnection('peer', { iceServers: [], disableAutoNegotiation: true });
    this.pc.onStateChange(state => { this.connectionState = state; this.onconnectionstatechange?.(); });
    this.pc.onGatheringStateChange(state => { this.iceGatheringState = state; });
    this.pc.onDataChannel(channel => this.ondatachannel?.({ channel: new Channel(channel) }));
  }

  get localDescription() { return this.pc.localDescription(); }
  getReceivers() { return []; }
  getTransceivers() { return []; }
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
  makeTracks() { throw new Error('has no media'); },
};

const handle = makeCall(Connection, media);
const lines = readline.createInterface({ input: process.stdin });
lines.on('line', line => handle(JSON.parse(line)).then(reply => console.log(JSON.stringify(reply))));
lines.on('close', () => process.exit(0));
