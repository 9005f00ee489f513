#!/usr/bin/python3
"""GStreamer's webrtcbin as one end of calls: answers requests on standard input (docs/interop.md
lists them)."""
import json
import sys
import threading
import time

import gi

gi.require_version('Gst', '1.0')
gi.require_version('GstWebRTC', '1.0')
gi.require_version('GstSdp', '1.0')
from gi.repository import GLib, Gst, GstSdp, GstWebRTC  # noqa: E402

import python_media  # noqa: E402
from gstreamer_media import Media  # noqa: E402

def on_loop(work):
    """Runs `work` on GLib's loop and returns what it returned: webrtcbin is used there only."""
    done, result = threading.Event(), []

    def run():
        try:
            result.append((work(), None))
        except Exception as error:  # handed to the one who asked
            result.append((None, error))
        done.set()
        return False
    GLib.idle_add(run)
    if not done.wait(10):
        raise TimeoutError('the loop hangs')
    value, error = result[0]
    if error:
        raise error
    return value


def until(condition, seconds):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())


CHANNEL_STATES = GstWebRTC.WebRTCDataChannelState


def state_of(channel):
    """As a number: a new channel has a state that the enumeration does not know, and Python's binding
    dies of asking such a one for its name."""
    return int(channel.get_property('ready-state'))


def fields(structure):
    names = [structure.nth_field_name(i) for i in range(structure.n_fields())]
    return {name: structure.get_value(name) for name in names}


def w3c_name(name):
    first, *others = name.split('-')
    return first + ''.join(word.capitalize() for word in others)


class Call:
    def __init__(self):
        self.pipeline = Gst.Pipeline()
        self.bin = Gst.ElementFactory.make('webrtcbin', None)
        self.bin.set_property('bundle-policy', GstWebRTC.WebRTCBundlePolicy.MAX_BUNDLE)
        # Against 200 ms: what a busy host delays for longer is lost, and VP9 costs a key frame.
        self.bin.set_property('latency', 500)
        # Retransmission is off unless asked for, on each transceiver.
        self.bin.connect('on-new-transceiver', lambda _, t: t.set_property('do-nack', True))
        self.pipeline.add(self.bin)
        self.media = Media(self.pipeline, self.bin)
        self.channels, self.all_channels, self.kept = {}, [], []
        self.states, self.remote = [], ''
        self.described = self.connected_at = None
        self.lost = False
        self.bin.connect('on-data-channel', lambda _, channel: self.adopt(channel, True))
        self.bin.connect('notify::connection-state', self.state_changed)
        self.pipeline.set_state(Gst.State.PLAYING)

    def state_changed(self, *_):
        state = self.bin.get_property('connection-state').value_nick
        self.states.append(state)
        if state == 'connected':
            self.connected_at = self.connected_at or time.monotonic()
            self.allow_feedback()
        elif self.connected_at:
            self.lost = True

    def allow_feedback(self):
        """Tells its RTP sessions their bandwidth. As long as they must guess, they take 64 kbit/s, allow
        themselves 3 kbit/s of RTCP and a NACK per second, and drop what they could not ask for in the
        200 ms of their jitter buffers (RFC 4585 section 3.5)."""
        rtpbin = self.bin.get_by_name('rtpbin')
        for number in range(4):
            session = rtpbin.emit('get-internal-session', number)
            if session:
                session.set_property('bandwidth', 2e6)

    # --- Negotiation ---

    def begin_sending(self, kinds, codecs):
        """Before its encoder has begun, webrtcbin describes a codec without parameters (H.264 without
        packetization-mode, in which no key frame fits) and a track with an SSRC of 0, by which nobody
        can tell it from others."""
        on_loop(lambda: self.media.send(kinds, codecs, self.remote))
        until(self.media.has_begun, 3)

    def promise(self, signal, *arguments):
        """Emits an action signal and waits for its reply. The reply is kept: it crashes when it is
        freed while in use."""
        promise = Gst.Promise.new()
        on_loop(lambda: self.bin.emit(signal, *arguments, promise))
        promise.wait()
        reply = promise.get_reply()
        self.kept.append((promise, reply))
        if reply and reply.has_field('error'):
            raise RuntimeError(f"{signal}: {reply.get_value('error').message}")
        return reply

    def describe(self, kind, options=None):
        made = self.promise(f'create-{kind}', options).get_value(kind)
        self.kept.append(made)
        self.promise('set-local-description', made)
        until(lambda: self.bin.get_property('ice-gathering-state').value_nick == 'complete', 5)
        self.described = time.monotonic()
        return {'type': kind, 'sdp': self.bin.get_property('local-description').sdp.as_text()}

    def set_remote(self, kind, text):
        self.remote = text if kind == 'offer' else ''
        _, message = GstSdp.SDPMessage.new_from_text(text)
        description = GstWebRTC.WebRTCSessionDescription.new(
            getattr(GstWebRTC.WebRTCSDPType, kind.upper()), message)
        self.kept.append(description)
        self.promise('set-remote-description', description)

    def offer(self, media=(), directions=None, restart=False, codecs=None, **_):
        self.remote = ''
        if restart:
            raise NotImplementedError('webrtcbin 1.22 cannot restart ICE')
        self.begin_sending(media, codecs)
        for kind in (directions or {}).get('recvonly', []):
            caps = Gst.Caps.from_string({
                'audio': 'application/x-rtp,media=audio,encoding-name=OPUS,payload=111,clock-rate=48000,'
                         'encoding-params=(string)2',
                'video': 'application/x-rtp,media=video,encoding-name=VP8,payload=96,clock-rate=90000'}[kind])
            on_loop(lambda: self.bin.emit('add-transceiver',
                                          GstWebRTC.WebRTCRTPTransceiverDirection.RECVONLY, caps))
        return self.describe('offer')

    def answer(self, sdp, media=(), codecs=None, **_):
        if self.bin.get_property('signaling-state').value_nick == 'have-local-offer':
            self.promise('set-local-description', GstWebRTC.WebRTCSessionDescription.new(
                GstWebRTC.WebRTCSDPType.ROLLBACK, GstSdp.SDPMessage.new()[1]))
        self.set_remote('offer', sdp)
        self.begin_sending(media, codecs)
        return self.describe('answer')

    def accept(self, sdp, **_):
        self.described = time.monotonic()
        self.set_remote('answer', sdp)

    def connected(self, seconds, **_):
        connected = until(lambda: self.connected_at, seconds)
        return {'connected': connected, 'states': ' '.join(self.states),
                'ms': 1000 * (self.connected_at - self.described) if connected else None}

    def gone(self, seconds, **_):
        gone = until(lambda: self.lost or self.transport_closed() or self.all_channels and all(
            state_of(c) == CHANNEL_STATES.CLOSED for c in self.all_channels), seconds)
        return {'gone': gone, 'states': ' '.join(self.states)}

    def transport_closed(self):
        sctp = self.bin.get_property('sctp-transport')
        if sctp and sctp.get_property('transport').get_property('state').value_nick == 'closed':
            return True
        for index in range(32):
            transceiver = self.bin.emit('get-transceiver', index)
            if not transceiver:
                return False
            for side in ('sender', 'receiver'):
                end = transceiver.get_property(side)
                transport = end and end.get_property('transport')
                if transport and transport.get_property('state').value_nick == 'closed':
                    return True
        return False

    def mute(self, muted, **_):
        self.media.mute(muted)

    def counts(self, **_):
        return {'tracks': self.media.counts()}

    def stats(self, **_):
        """By the names of the W3C. (All that is bundled with a video has its kind.)"""
        entries = [fields(entry) for entry in fields(self.promise('get-stats', None)).values()]
        return {'stats': [
            {'type': entry.pop('type').value_nick,
             **{w3c_name(name): value for name, value in entry.items() if isinstance(value, (int, float, str))}}
            for entry in entries]}

    # --- Data ---

    def adopt(self, channel, echoes, label=None):
        received = []
        self.all_channels.append(channel)

        def text(_, message):
            if echoes:
                channel.emit('send-string', message)
            else:
                received.append(message or '')

        def data(_, message):
            if echoes:
                channel.emit('send-data', message)
            else:
                received.append(message.get_data() if message else b'')

        channel.connect('on-message-string', text)
        channel.connect('on-message-data', data)
        if not echoes:
            self.channels[label] = (channel, received)

    def channel(self, label, init=None, echo=False, **_):
        names = {'ordered': ('ordered', bool), 'maxRetransmits': ('max-retransmits', int),
                 'maxPacketLifeTime': ('max-packet-lifetime', int), 'protocol': ('protocol', str),
                 'negotiated': ('negotiated', bool), 'id': ('id', int)}
        options = Gst.Structure.new_empty('options')
        for key, value in (init or {}).items():
            options.set_value(names[key][0], names[key][1](value))
        channel = on_loop(lambda: self.bin.emit('create-data-channel', label, options))
        if not channel:
            raise RuntimeError('no data channel was made')
        on_loop(lambda: self.adopt(channel, echo, label))

    def opened(self, labels, seconds, **_):
        channels = [self.channels[label][0] for label in labels]
        is_open = until(lambda: all(state_of(c) == CHANNEL_STATES.OPEN for c in channels), seconds)
        return {'open': is_open, 'ids': [c.get_property('id') for c in channels]}

    def talk(self, label, sizes, seconds, text=False, **_):
        channel, received = self.channels[label]
        received.clear()
        sent = [python_media.message(number, size, text) for number, size in enumerate(sizes)]
        for one in sent:
            if text:
                on_loop(lambda: channel.emit('send-string', one))
            else:
                on_loop(lambda: channel.emit('send-data', GLib.Bytes.new(one)))
        until(lambda: len(received) >= len(sent), seconds)
        return python_media.compare(sent, received)

    def hangup(self, label, seconds, **_):
        channel = self.channels[label][0]
        on_loop(lambda: channel.emit('close'))
        closed = until(lambda: state_of(channel) == CHANNEL_STATES.CLOSED, seconds)
        return {'closed': closed, 'state': state_of(channel)}

    def close(self, **_):
        self.media.ended = True
        # Its only goodbye.
        self.pipeline.send_event(Gst.Event.new_eos())
        time.sleep(0.1)
        self.pipeline.set_state(Gst.State.NULL)


def main():
    Gst.init(None)
    loop = GLib.MainLoop()
    threading.Thread(target=loop.run, daemon=True).start()
    calls, output = [], threading.Lock()

    def handle(call, request):
        reply = {'id': request['id']}
        try:
            arguments = {'seconds': 8, **{k: v for k, v in request.items() if k not in ('id', 'do')}}
            reply.update(getattr(call, request['do'])(**arguments) or {})
        except Exception as error:  # whatever it is, it belongs into the row of the table
            reply['error'] = f'{type(error).__name__}: {error}'
        with output:
            print(json.dumps(reply), flush=True)

    for line in sys.stdin:
        request = json.loads(line)
        if request['do'] == 'start':
            if calls:
                calls[-1].close()
            calls.append(Call())
            with output:
                print(json.dumps({'id': request['id'], 'version': Gst.version_string().split()[-1]}),
                      flush=True)
        else:
            threading.Thread(target=handle, args=(calls[-1], request), daemon=True).start()
    if calls:
        calls[-1].close()


main()
