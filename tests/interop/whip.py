"""WHIP and WHEP at echo_server: one program of the peer's publishes, another plays. Browsers make the
HTTP requests themselves, from pages of another origin."""
import contextlib
import os
import re
import time

import echoes
from agent import Agent, Failed
from peers import ECHO_SERVER, WORK

TOKEN = 'a token'
KINDS = ['audio', 'video']


class Session:
    """A WHIP or WHEP session of one agent."""

    def __init__(self, call, agent, base, endpoint):
        self.call, self.agent, self.base, self.endpoint = call, agent, base, endpoint

    def http(self, method, path, body=None, token=TOKEN, **headers):
        headers = {name.replace('_', '-'): text for name, text in headers.items()}
        if token:
            headers['Authorization'] = f'Bearer {token}'
        if not self.call.about.browser:
            return echoes.request(self.base + path, body, method, headers)
        reply = self.agent.ask('fetch', url=self.base + path, method=method, headers=headers,
                               body=body)
        return reply['status'], reply['text'], reply['headers']

    def expect(self, status, method, path, body=None, **more):
        got, text, headers = self.http(method, path, body, **more)
        if not self.call.check(got == status, f'{method} {path}: {got}, not {status}: {text}'):
            raise Failed('no session')
        return text, headers

    def start(self):
        """Offers without candidates, and trickles them."""
        self.agent.ask('start')
        media = {'media': KINDS} if self.endpoint == '/whip' else {'directions': {'recvonly': KINDS}}
        offer = self.agent.ask('offer', **media)['sdp']
        candidates = re.findall(r'a=candidate:.*\r\n', offer)
        bare = re.sub(r'a=(candidate:.*|end-of-candidates)\r\n', '', offer)
        post = {'method': 'POST', 'path': self.endpoint, 'body': bare,
                'Content_Type': 'application/sdp'}
        self.expect(401, **post, token=None)
        self.expect(401, **post, token='another')
        self.answer, headers = self.expect(201, **post)
        self.location, self.etag = headers['location'], headers['etag']
        self.agent.ask('accept', sdp=self.answer)
        fragment = fragment_of(offer, candidates)
        self.patch(412, fragment, '"another"')
        self.patch(428, fragment, None)
        self.patch(204, fragment, self.etag)
        connected = self.agent.ask('connected', seconds=10)
        if not self.call.check(connected['connected'], f"not connected: {connected['states']}"):
            raise Failed('no connection')
        return connected['ms']

    def patch(self, status, fragment, etag):
        headers = {'Content_Type': 'application/trickle-ice-sdpfrag'}
        if etag:
            headers['If_Match'] = etag
        return self.expect(status, 'PATCH', self.location, fragment, **headers)

    def restart(self):
        """RFC 9725 section 4.3.3: credentials and candidates alone change."""
        offer = self.agent.ask('offer', restart=True)['sdp']
        fragment, headers = self.patch(200, fragment_of(offer, re.findall(r'a=candidate:.*\r\n', offer)),
                                       '*')
        self.call.check(headers['etag'] not in (None, self.etag), 'the ETag did not change')
        self.etag = headers['etag']
        answer = self.answer
        for name in ('ice-ufrag', 'ice-pwd'):
            value = re.search(rf'a={name}:(.*)\r\n', fragment).group(1)
            answer = re.sub(rf'a={name}:.*\r\n', f'a={name}:{value}\r\n', answer)
        answer = re.sub(r'a=candidate:.*\r\n', '', answer)
        fresh = ''.join(re.findall(r'a=candidate:.*\r\n', fragment))
        answer = re.sub(r'(m=.*\r\n(?:c=.*\r\n)?)', lambda m: m.group(1) + fresh, answer, count=1)
        self.answer = re.sub(r'o=(\S+) (\S+) (\d+)',
                             lambda m: f'o={m[1]} {m[2]} {int(m[3]) + 1}', answer)
        self.agent.ask('accept', sdp=self.answer)

    def end(self):
        about = self.call.about
        hears = not about.silent and (about.hears_close_notify or self.endpoint == '/whep')
        waiting = self.agent.begin('gone', seconds=3) if hears else None
        self.expect(200, 'DELETE', self.location)
        self.expect(404, 'DELETE', self.location)
        if waiting:
            self.call.check(self.agent.finish(waiting)['gone'], f'{self.endpoint}: DELETE was not seen')


def fragment_of(offer, candidates):
    lines = [re.search(rf'a={name}:.*\r\n', offer).group(0) for name in ('ice-ufrag', 'ice-pwd')]
    mid = re.search(r'm=.*\r\n', offer).group(0) + re.search(r'a=mid:.*\r\n', offer).group(0)
    return ''.join([*lines, mid, *candidates, 'a=end-of-candidates\r\n'])


@contextlib.contextmanager
def second_agent(call):
    env = {**os.environ, 'PARLEY_NODE_MODULES': str(WORK / 'node_modules')}
    agent = Agent(f'the viewing {call.about.title}', call.about.command, env=env)
    try:
        yield agent
    finally:
        agent.stop()


def judge(call, viewer, seconds=2, patience=6):
    """Pictures move and the tone sounds, after some patience with jitter buffers and key frames."""
    end = time.monotonic() + patience
    while True:
        before = viewer.ask('counts')['tracks']
        time.sleep(seconds)
        after = viewer.ask('counts')['tracks']
        call.record['counts'] = {'before': before, 'after': after}
        known = len(call.failed)
        call.check_side('the viewer', before, after, KINDS, seconds, 1.0, 440)
        for old, new in zip(before, after):
            # A picture that stands still has a marker, too.
            changes = new.get('changes', 8 * seconds) - old.get('changes', 0)
            call.check(changes >= 4 * seconds, f'{changes} pictures in {seconds} s at the viewer')
        if len(call.failed) == known:
            return
        if time.monotonic() > end:
            if call.about.browser:
                call.record['stats'] = {agent.name: agent.ask('stats')['stats']
                                        for agent in (call.peer, viewer)}
            return
        del call.failed[known:]


def publish_and_play(call):
    command = [str(ECHO_SERVER), '--http-port', '0', '--token', TOKEN]
    with echoes.server(command) as (base, _), second_agent(call) as viewer:
        publishing = Session(call, call.peer, base, '/whip')
        call.connect_ms = publishing.start()
        playing = Session(call, viewer, base, '/whep')
        playing.start()
        judge(call, viewer)
        if call.about.restarts:
            publishing.restart()
            playing.restart()
            judge(call, viewer)
        # The viewer outlives the publisher, and sees the next one.
        publishing.end()
        time.sleep(1)
        publishing.start()
        judge(call, viewer)
        publishing.end()
        playing.end()


def scenarios(Scenario):
    return [Scenario('WHIP and WHEP', publish_and_play, 'peer', quick=True)]
