#!/usr/bin/python3
"""aiortc as one end of calls: answers requests on standard input (docs/interop.md lists them)."""
import asyncio
import fractions
import json
import math
import sys
import time

import aiortc
import av
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

import python_media
from python_media import message


class Paced:
    """Keeps to its rate, and makes up for nothing after nobody listened for a while."""
    begun = None
    number = 0

    async def next(self, per_second):
        now = time.time()
        self.begun = self.begun or now
        if now - self.begun - self.number / per_second > 0.5:
            self.number = math.ceil((now - self.begun) * per_second)
        await asyncio.sleep(max(0, self.begun + self.number / per_second - now))
        self.number += 1
        return self.number - 1


class Tone(MediaStreamTrack):
    kind = 'audio'

    def __init__(self):
        super().__init__()
        self.pace = Paced()

    async def recv(self):
        position = 960 * await self.pace.next(50)
        wave = python_media.tone(position, 960)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format='s16', layout='mono')
        frame.sample_rate, frame.pts = 48000, position
        frame.time_base = fractions.Fraction(1, 48000)
        return frame


class Pictures(MediaStreamTrack):
    kind = 'video'

    def __init__(self, video, videos):
        super().__init__()
        self.pace, self.place = Paced(), (video, videos)

    async def recv(self):
        number = await self.pace.next(20)
        luma = python_media.draw_picture(number, python_media.counter_of(number, *self.place))
        frame = av.VideoFrame.from_ndarray(luma, format='gray').reformat(format='yuv420p')
        frame.pts, frame.time_base = number * 4500, fractions.Fraction(1, 90000)
        return frame


async def listen(track, counter):
    try:
        while True:
            frame = await track.recv()
            if track.kind == 'video':
                counter.add(frame.to_ndarray(format='gray'))
            else:
                # Decoded to interleaved stereo.
                counter.add(frame.to_ndarray().reshape(-1)[::len(frame.layout.channels)],
                            frame.sample_rate)
    except MediaStreamError:
        pass


async def until(condition, seconds):
    end = time.time() + seconds
    while not condition() and time.time() < end:
        await asyncio.sleep(0.01)
    return condition()


class Call:
    def __init__(self):
        self.pc = RTCPeerConnection()
        self.states, self.counters = [], []
        self.channels, self.echoes, self.received = {}, [], {}
        self.silenced = {}
        self.described = self.connected_at = None
        self.lost = False

        @self.pc.on('connectionstatechange')
        def _():
            self.states.append(self.pc.connectionState)
            if self.pc.connectionState == 'connected':
                self.connected_at = self.connected_at or time.time()
            elif self.connected_at:
                self.lost = True

        @self.pc.on('track')
        def _(track):
            counter = python_media.Tones() if track.kind == 'audio' else python_media.Pictures()
            self.counters.append((track, counter))
            asyncio.ensure_future(listen(track, counter))

        @self.pc.on('datachannel')
        def _(channel):
            channel.on('message', channel.send)
            self.echoes.append(channel)

    def attach(self, kinds, directions=None, codecs=None):
        for kind, video, videos in python_media.with_places(kinds):
            self.pc.addTrack(Tone() if kind == 'audio' else Pictures(video, videos))
        for kind in (directions or {}).get('recvonly', []):
            self.pc.addTransceiver(kind, direction='recvonly')
        for transceiver in self.pc.getTransceivers() if codecs else ():
            if transceiver.kind == 'video':
                transceiver.setCodecPreferences([
                    codec for codec in aiortc.RTCRtpSender.getCapabilities('video').codecs
                    if codec.mimeType in [f'video/{name}' for name in codecs] + ['video/rtx']])

    def local(self):
        return {'type': self.pc.localDescription.type, 'sdp': self.pc.localDescription.sdp}

    async def offer(self, media=(), directions=None, codecs=None, **_):
        self.attach(media, directions, codecs)
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.local()

    async def answer(self, sdp, media=(), codecs=None, **_):
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, 'offer'))
        self.attach(media, codecs=codecs)
        await self.pc.setLocalDescription(await self.pc.createAnswer())
        self.described = time.time()
        return self.local()

    async def accept(self, sdp, **_):
        self.described = time.time()
        await self.pc.setRemoteDescription(RTCSessionDescription(sdp, 'answer'))

    async def connected(self, seconds, **_):
        connected = await until(lambda: self.connected_at is not None, seconds)
        return {'connected': connected, 'states': ' '.join(self.states),
                'ms': 1000 * (self.connected_at - self.described) if connected else None}

    async def gone(self, seconds, **_):
        # connectionState does not follow close_notify, the transports do.
        transports = [r.transport for r in self.pc.getReceivers()]
        if self.pc.sctp:
            transports.append(self.pc.sctp.transport)
        gone = await until(lambda: self.lost or any(t.state == 'closed' for t in transports), seconds)
        return {'gone': gone, 'states': ' '.join(self.states)}

    async def mute(self, muted, **_):
        for sender in self.pc.getSenders():
            if muted and sender.track:
                self.silenced[sender] = sender.track
                sender.replaceTrack(None)
            elif not muted and sender in self.silenced:
                sender.replaceTrack(self.silenced[sender])

    async def stats(self, **_):
        return {'stats': [{key: value for key, value in vars(entry).items()
                           if isinstance(value, (int, float, str))}
                          for entry in (await self.pc.getStats()).values()]}

    async def counts(self, **_):
        mids = {t.receiver.track: t.mid for t in self.pc.getTransceivers()}
        return {'tracks': [{'mid': mids.get(track, ''), **counter.counts()}
                           for track, counter in self.counters]}

    async def channel(self, label, init=None, echo=False, **_):
        channel = self.pc.createDataChannel(label, **(init or {}))
        if echo:
            self.echoes.append(channel)
            channel.on('message', channel.send)
            return
        self.channels[label], received = channel, []
        self.received[label] = received
        channel.on('message', received.append)

    async def opened(self, labels, seconds, **_):
        channels = [self.channels[label] for label in labels]
        is_open = await until(lambda: all(c.readyState == 'open' for c in channels), seconds)
        return {'open': is_open, 'ids': [c.id for c in channels]}

    async def talk(self, label, sizes, seconds, text=False, **_):
        received = self.received[label]
        received.clear()
        sent = [message(number, size, text) for number, size in enumerate(sizes)]
        for one in sent:
            self.channels[label].send(one)
        await until(lambda: len(received) >= len(sent), seconds)
        return python_media.compare(sent, received)

    async def hangup(self, label, seconds, **_):
        channel = self.channels[label]
        channel.close()
        return {'closed': await until(lambda: channel.readyState == 'closed', seconds),
                'state': channel.readyState}

    async def close(self, **_):
        await self.pc.close()


async def main():
    loop = asyncio.get_event_loop()
    reader = asyncio.StreamReader(limit=1 << 24)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    call = None

    async def handle(request):
        nonlocal call
        reply = {'id': request.get('id')}
        try:
            if request['do'] == 'start':
                if call:
                    await call.pc.close()
                call = Call()
                reply['version'] = aiortc.__version__
            else:
                method = getattr(call, request['do'], None)
                if not method:
                    raise NotImplementedError(f"has no command {request['do']}")
                arguments = {'seconds': 8, **{k: v for k, v in request.items() if k not in ('id', 'do')}}
                reply.update(await method(**arguments) or {})
        except Exception as error:  # whatever it is, it belongs into the row of the table
            reply['error'] = f'{type(error).__name__}: {error}'
        print(json.dumps(reply), flush=True)

    while line := await reader.readline():
        asyncio.ensure_future(handle(json.loads(line)))
    if call:
        await call.pc.close()


asyncio.run(main())
