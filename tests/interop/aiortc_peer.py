#!/usr/bin/python3
"""aiortc_peer.py SCENARIO PROGRAM [ARGS...]: a call between aiortc and PROGRAM (whose lines
echo_peer.cpp describes). Prints one JSON line with what aiortc received."""
import asyncio
import fractions
import json
import sys
import time

import aiortc
import av
import numpy
from aiortc import RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

scenario = json.loads(sys.argv[1])


class Tone(MediaStreamTrack):
    kind = 'audio'
    position = 0

    async def recv(self):
        if not self.position:
            self.begun = time.time()
        await asyncio.sleep(max(0, self.begun + self.position / 48000 - time.time()))
        moments = (numpy.arange(960) + self.position) / 48000
        wave = (8000 * numpy.sin(2 * numpy.pi * 440 * moments)).astype(numpy.int16)
        frame = av.AudioFrame.from_ndarray(wave.reshape(1, -1), format='s16', layout='mono')
        frame.sample_rate, frame.pts = 48000, self.position
        frame.time_base = fractions.Fraction(1, 48000)
        self.position += 960
        return frame


class Pictures(MediaStreamTrack):
    kind = 'video'
    number = 0

    async def recv(self):
        if not self.number:
            self.begun = time.time()
        await asyncio.sleep(max(0, self.begun + self.number / 20 - time.time()))
        picture = numpy.tile(numpy.linspace(0, 255, 320, dtype=numpy.uint8), (240, 1))
        picture = numpy.stack([numpy.roll(picture, self.number * 3, axis=1)] * 3, axis=2)
        frame = av.VideoFrame.from_ndarray(picture, format='rgb24')
        frame.pts, frame.time_base = self.number * 4500, fractions.Fraction(1, 90000)
        self.number += 1
        return frame


async def main():
    result = {'version': aiortc.__version__, 'errors': [], 'parley': []}
    heard = {'audio': 0, 'video': 0, 'loudest': 0, 'spread': 0}
    peer = RTCPeerConnection()
    states = []
    begun = time.time()

    @peer.on('connectionstatechange')
    def _():
        states.append((peer.connectionState, time.time()))

    @peer.on('track')
    def _(track):
        async def listen():
            try:
                while True:
                    frame = await track.recv()
                    heard[track.kind] += 1
                    if track.kind == 'audio':
                        heard['loudest'] = max(heard['loudest'], int(abs(frame.to_ndarray()).max()))
                    elif heard['video'] % 20 == 10:
                        luma = frame.to_ndarray(format='gray')
                        heard['spread'] = int(luma.max()) - int(luma.min())
            except MediaStreamError:
                pass
        asyncio.ensure_future(listen())

    program = await asyncio.create_subprocess_exec(
        *sys.argv[2:], stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20)
    described = asyncio.get_event_loop().create_future()

    async def read():
        while line := await program.stdout.readline():
            parsed = json.loads(line)
            if 'sdp' in parsed:
                described.set_result(parsed)
            else:
                result['parley'].append({**parsed, 'ms': 1000 * time.time()})
    reading = asyncio.ensure_future(read())

    def say(line):
        program.stdin.write(line.encode() + b'\n')

    def local():
        return {'type': peer.localDescription.type, 'sdp': peer.localDescription.sdp}

    async def until(condition, seconds):
        end = time.time() + seconds
        while not condition() and time.time() < end:
            await asyncio.sleep(0.02)
        return condition()

    try:
        if scenario['offerer'] == 'parley':
            offer = await asyncio.wait_for(described, 5)
            result['offer'] = offer['sdp']
            await peer.setRemoteDescription(RTCSessionDescription(offer['sdp'], 'offer'))
            peer.addTrack(Tone())
            peer.addTrack(Pictures())
            await peer.setLocalDescription(await peer.createAnswer())
            result['answer'] = local()['sdp']
            begun = time.time()
            say(json.dumps(local()))
        else:
            peer.addTrack(Tone())
            peer.addTrack(Pictures())
            if scenario['data']:
                peer.createDataChannel('refused')
            await peer.setLocalDescription(await peer.createOffer())
            result['offer'] = local()['sdp']
            say(json.dumps(local()))
            answer = await asyncio.wait_for(described, 5)
            result['answer'] = answer['sdp']
            begun = time.time()
            await peer.setRemoteDescription(RTCSessionDescription(answer['sdp'], 'answer'))
        connected = await until(lambda: peer.connectionState == 'connected', 10)
        result['peer'] = {'connected': connected, 'state': peer.connectionState}
        if connected:
            result['peer']['connectMs'] = 1000 * (states[-1][1] - begun)
            await until(lambda: heard['video'] > 0, 3)
            result['peer']['before'] = dict(heard)
            await asyncio.sleep(scenario['seconds'])
            result['peer']['after'] = dict(heard)
        begun = time.time()
        if scenario['closer'] == 'parley':
            say('close')
            # aiortc's connectionState does not follow close_notify, its transports do.
            gone = await until(lambda: any(
                r.transport.state == 'closed' for r in peer.getReceivers()), 3)
            result['closed'] = {'gone': gone, 'ms': 1000 * (time.time() - begun),
                                'state': peer.connectionState}
        else:
            await peer.close()
            gone = await until(lambda: any(
                line['event'] == 'connection' and line['state'] in ('closed', 'disconnected')
                for line in result['parley']), 3)
            result['closed'] = {'gone': gone, 'ms': 1000 * (time.time() - begun)}
    except Exception as error:  # whatever it is, it belongs into the row of the table
        result['errors'].append(f'{type(error).__name__}: {error}')
    program.stdin.close()
    try:
        result['exit'] = await asyncio.wait_for(program.wait(), 3)
    except asyncio.TimeoutError:
        result['exit'] = 'hangs'
        program.kill()
    await reading
    await peer.close()
    print(json.dumps(result))


asyncio.run(main())
