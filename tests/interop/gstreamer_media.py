"""What GStreamer sends and receives in a call: sources, encoders, decoders, and what they show."""
import re
import threading
from dataclasses import dataclass

import gi
import numpy

gi.require_version('Gst', '1.0')
gi.require_version('GstApp', '1.0')
gi.require_version('GstWebRTC', '1.0')
from gi.repository import GLib, Gst, GstApp, GstWebRTC  # noqa: E402,F401

import python_media  # noqa: E402

SOURCES = {
    'audio': 'audiotestsrc is-live=true wave=sine freq=440 volume=0.3 ! audio/x-raw,rate=48000,channels=1',
    'video': 'appsrc name=pictures is-live=true do-timestamp=true format=time '
             'caps=video/x-raw,format=I420,width=320,height=240,framerate=20/1',
}
# How a codec is made into packets, and these into frames again.
SENDERS = {
    'OPUS': 'opusenc ! rtpopuspay pt={pt}',
    'VP8': 'vp8enc deadline=1 target-bitrate=400000 keyframe-max-dist=600 error-resilient=default '
           '! rtpvp8pay pt={pt} picture-id-mode=15-bit',
    'VP9': 'vp9enc deadline=1 cpu-used=8 target-bitrate=400000 keyframe-max-dist=600 '
           '! rtpvp9pay pt={pt} picture-id-mode=15-bit',
    'H264': 'openh264enc bitrate=400000 complexity=low gop-size=600 '
            '! video/x-h264,profile=constrained-baseline ! h264parse config-interval=-1 '
            '! rtph264pay pt={pt} config-interval=-1 aggregate-mode=zero-latency',
}
RECEIVERS = {
    'OPUS': 'rtpopusdepay ! opusdec',
    'VP8': 'rtpvp8depay request-keyframe=true wait-for-keyframe=true ! vp8dec',
    'VP9': 'rtpvp9depay request-keyframe=true wait-for-keyframe=true ! vp9dec',
    'H264': 'rtph264depay request-keyframe=true wait-for-keyframe=true ! h264parse ! openh264dec',
}
SINKS = {
    'audio': 'audioconvert ! audio/x-raw,format=S16LE,channels=1,rate=48000 '
             '! appsink name=out sync=false emit-signals=true',
    'video': 'videoconvert ! video/x-raw,format=I420 ! appsink name=out sync=false emit-signals=true',
}
CHROMA = bytes([128]) * (2 * 160 * 120)


def kind_and_codec(caps):
    structure = caps.get_structure(0)
    return structure.get_string('media'), structure.get_string('encoding-name').upper()


@dataclass
class Sender:
    kind: str
    sink: Gst.Pad
    place: list
    codec: str = None
    bin: Gst.Element = None

    def has_begun(self):
        caps = self.sink.get_current_caps()
        return caps and kind_and_codec(caps)[1] == self.codec


class Media:
    """Thread rule: `send` is used on GLib's loop. GStreamer calls `receive`."""

    def __init__(self, pipeline, webrtcbin):
        self.pipeline, self.bin = pipeline, webrtcbin
        self.senders, self.counters, self.taken = [], {}, []
        self.offer, self.ended = '', False
        self.bin.connect('pad-added', self.receive)

    def has_begun(self):
        return all(sender.has_begun() for sender in self.senders)

    def payload_type(self, codec):
        """Of the offer that is answered; webrtcbin wants it on the sending pad."""
        offered = re.findall(rf'^a=rtpmap:(\d+) {codec}/', self.offer, re.M | re.I)
        if codec == 'H264':
            offered = [pt for pt in offered if re.search(
                rf'^a=fmtp:{pt} .*packetization-mode=1', self.offer, re.M)]
        return int(offered[0]) if offered else {'OPUS': 111, 'VP8': 96, 'VP9': 100, 'H264': 102}[codec]

    def chosen(self, codecs):
        """Of the codecs for video that are preferred, the first of those offered."""
        return next(codec for codec in codecs if not self.offer or f' {codec}/' in self.offer)

    def send(self, kinds, codecs, offer):
        """Begins to send `kinds`, and all video with the first of `codecs` that is in `offer`, an offer to be
        answered or ''."""
        self.offer = offer
        for kind, *place in python_media.with_places(kinds):
            self.senders.append(Sender(kind, self.sink_for(kind), place))
        for sender in self.senders:
            codec = 'OPUS' if sender.kind == 'audio' else self.chosen(codecs) if codecs else sender.codec or 'VP8'
            if codec != sender.codec:
                self.encode(sender, codec)

    def encode(self, sender, codec):
        """Begins to send, or changes to another codec."""
        if sender.codec:
            self.remove(sender.bin)
            self.stop_decoding()
        pt = self.payload_type(codec)
        made = Gst.parse_bin_from_description(
            f'{SOURCES[sender.kind]} ! valve name=mute ! {SENDERS[codec].format(pt=pt)} ! '
            f'application/x-rtp,media={sender.kind},encoding-name={codec},payload={pt} ! queue', True)
        sender.codec, sender.bin = codec, made
        self.pipeline.add(made)
        made.get_static_pad('src').link(sender.sink)
        made.sync_state_with_parent()
        if sender.kind == 'video':
            self.push_pictures(sender)

    def stop_decoding(self):
        """webrtcbin negotiates what its outputs are linked to, too."""
        for pad in self.bin.srcpads:
            if kind_and_codec(pad.get_current_caps())[0] == 'video':
                self.discard(pad)

    def discard(self, pad):
        """Takes the decoder from a pad. What is pushed while there is nothing would stop webrtcbin's
        receiving altogether, so this is done between two packets."""
        done = threading.Event()

        def exchange(*_):
            old = pad.get_peer()
            pad.unlink(old)
            self.remove(old.get_parent_element())
            sink = Gst.ElementFactory.make('fakesink', None)
            sink.set_property('async', False)
            self.pipeline.add(sink)
            sink.sync_state_with_parent()
            pad.link(sink.get_static_pad('sink'))
            done.set()
            return Gst.PadProbeReturn.REMOVE
        pad.add_probe(Gst.PadProbeType.IDLE, exchange)
        done.wait(2)

    def remove(self, part):
        part.set_state(Gst.State.NULL)
        self.pipeline.remove(part)

    def sink_for(self, kind):
        template = self.bin.get_pad_template('sink_%u')
        if not self.offer:
            return self.bin.request_pad(template, None, None)
        # Of the section that the offer made.
        for index in range(32):
            transceiver = self.bin.emit('get-transceiver', index)
            if not transceiver:
                break
            if transceiver.get_property('kind').value_nick == kind and transceiver not in self.taken:
                self.taken.append(transceiver)
                transceiver.set_property('direction', GstWebRTC.WebRTCRTPTransceiverDirection.SENDRECV)
                pad = self.bin.request_pad(
                    template, f"sink_{transceiver.get_property('mlineindex')}", None)
                if pad:
                    return pad
        return self.bin.request_pad(template, None, None)

    def push_pictures(self, sender):
        number, source = 0, sender.bin.get_by_name('pictures')

        def push():
            nonlocal number
            if self.ended or not source.get_parent():
                return False
            counter = python_media.counter_of(number, *sender.place)
            luma = python_media.draw_picture(number, counter).tobytes()
            source.emit('push-buffer', Gst.Buffer.new_wrapped(luma + CHROMA))
            number += 1
            return True
        GLib.timeout_add(50, push)

    def receive(self, _, pad):
        if pad.get_direction() != Gst.PadDirection.SRC:
            return
        kind, codec = kind_and_codec(pad.get_current_caps())
        mid = pad.get_property('transceiver').get_property('mid') or pad.get_name()
        # After a change of codecs the same track comes on another pad.
        counter = self.counters.setdefault(
            mid, python_media.Tones() if kind == 'audio' else python_media.Pictures())
        receiver = Gst.parse_bin_from_description(f'{RECEIVERS[codec]} ! {SINKS[kind]}', True)

        def sample(sink):
            buffer = sink.emit('pull-sample')
            caps = buffer.get_caps().get_structure(0)
            _, memory = buffer.get_buffer().map(Gst.MapFlags.READ)
            data = numpy.frombuffer(memory.data, numpy.int16 if kind == 'audio' else numpy.uint8)
            if kind == 'audio':
                counter.add(data.copy())
            else:
                width, height = caps.get_value('width'), caps.get_value('height')
                stride = (width + 3) & ~3
                counter.add(data[:stride * height].reshape(height, stride)[:, :width])
            buffer.get_buffer().unmap(memory)
            return Gst.FlowReturn.OK
        receiver.get_by_name('out').connect('new-sample', sample)
        self.pipeline.add(receiver)
        receiver.sync_state_with_parent()
        sink = receiver.get_static_pad('sink')
        pad.link(sink)
        if kind == 'video':
            self.ask_until_shown(sink, counter)

    def ask_until_shown(self, sink, counter):
        """Asks for a key frame as long as there is no picture: rtph264depay does so for a loss only, and
        the first packets may come before webrtcbin can decrypt them."""
        shown = counter.frames

        def ask():
            if counter.frames > shown or self.ended:
                return False
            sink.push_event(Gst.Event.new_custom(
                Gst.EventType.CUSTOM_UPSTREAM, Gst.Structure.from_string('GstForceKeyUnit')[0]))
            return True
        GLib.timeout_add(400, ask)

    def mute(self, muted):
        for sender in self.senders:
            sender.bin.get_by_name('mute').set_property('drop', muted)

    def counts(self):
        return [{'mid': mid, **counter.counts()} for mid, counter in self.counters.items()]
