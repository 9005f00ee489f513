#!/usr/bin/python3
"""An echo server of aiortc's: POST /offer with {"type":"offer","sdp":...} is answered in kind, what
comes is decoded, encoded and sent back. Prints where it listens."""
import asyncio
import http.server
import json
import threading

from aiortc import RTCPeerConnection, RTCSessionDescription

connections = set()


async def answer(offer):
    connection = RTCPeerConnection()
    connections.add(connection)

    @connection.on('datachannel')
    def _(channel):
        channel.on('message', channel.send)

    @connection.on('track')
    def _(track):
        connection.addTrack(track)

    await connection.setRemoteDescription(RTCSessionDescription(offer['sdp'], offer['type']))
    await connection.setLocalDescription(await connection.createAnswer())
    return {'type': 'answer', 'sdp': connection.localDescription.sdp}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        offer = json.loads(self.rfile.read(int(self.headers['content-length'])))
        reply = asyncio.run_coroutine_threadsafe(answer(offer), loop).result()
        body = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


loop = asyncio.new_event_loop()
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f'listening on http://127.0.0.1:{server.server_port}', flush=True)
loop.run_forever()
