"""The examples echo_client and echo_server with servers and clients made of other stacks: an offer
and its answer by HTTP, as JSON."""
import contextlib
import json
import re
import signal
import subprocess
import time
import urllib.request

from agent import Failed
from peers import ECHO_CLIENT, ECHO_SERVER


@contextlib.contextmanager
def server(command):
    """Runs a program that says where it listens; gives the URL, and the process for its end."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        said = re.match(r'listening on (\S+)', process.stdout.readline())
        if not said:
            raise Failed(f'{command[0]} does not listen')
        yield said.group(1), process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def request(url, body=None, method=None, headers=None):
    """(status, text, headers). Refusals are answers too."""
    if isinstance(body, dict):
        body = json.dumps(body)
    asked = urllib.request.Request(url, body.encode() if body is not None else None, headers or {},
                                   method=method)
    try:
        with urllib.request.urlopen(asked, timeout=10) as reply:
            return reply.status, reply.read().decode(), reply.headers
    except urllib.error.HTTPError as refusal:
        return refusal.code, refusal.read().decode(), refusal.headers


def client_at_their_server(test):
    """echo_client -t TEST passes at a server made with the peer."""
    def body(call):
        with server(call.about.echo_server) as (url, _):
            run = subprocess.run([str(ECHO_CLIENT), url, '-t', str(test), '--timeout', '20'],
                                 capture_output=True, text=True)
        said = (run.stdout + run.stderr).strip()
        call.record['said'] = said
        call.check(run.returncode == 0, f'echo_client: {said}')
        connected = re.search(r'connected in (\d+) ms', said)
        call.connect_ms = float(connected.group(1)) if connected else None
    return body


def their_client_at_server(call):
    """The peer's program calls echo_server, by itself and with the server's words only."""
    with server([str(ECHO_SERVER), '--http-port', '0']) as (url, process):
        call.peer.ask('channel', label='reliable')
        # Two that send back what they receive would send it back for ever.
        kinds = [] if call.about.echoes_rtp else list(call.scenario.media)
        offer = call.peer.ask('offer', media=kinds)['sdp']
        status, text, _ = request(url + '/offer', {'type': 'offer', 'sdp': offer})
        if not call.check(status == 200, f'{status}: {text}'):
            return
        answer = json.loads(text)
        call.record['descriptions'] = [offer, answer['sdp']]
        call.peer.ask('accept', sdp=answer['sdp'])
        connected = call.peer.ask('connected', seconds=10)
        if not call.check(connected['connected'], f"not connected: {connected['states']}"):
            return
        call.connect_ms = connected['ms']
        judge_echo(call, kinds)
        # libdatachannel ends its association and its DTLS transport in silence, which only consent tells.
        if not (call.about.silent or call.about.echoes_rtp):
            call.peer.ask('close')
            time.sleep(0.5)
            _, text, _ = request(f"{url}/peers/{answer['id']}")
            call.check(json.loads(text)['state'] == 'closed', f'the server did not see the end: {text}')
        process.send_signal(signal.SIGINT)
        call.check(process.wait(5) == 0, f'echo_server ended with {process.returncode}')


def judge_echo(call, kinds):
    opened = call.peer.ask('opened', labels=['reliable'])
    call.check(opened['open'], 'the channel does not open')
    for text in (False, True):
        said = call.peer.ask('talk', label='reliable', sizes=[1, 1200, 60000] * 5, text=text)
        call.check(said['back'] == said['sent'] and not said['wrong'] and not said['reordered'],
                   f'messages: {said}')
    if not kinds:
        return
    before, after, seconds = call.media_from(3, kinds.count('video'), by=('peer',))
    call.check_side('the peer', before[0], after[0], kinds, seconds, 1.0, 440)


def scenarios(Scenario):
    serves = [Scenario(f'echo_client -t {test}', client_at_their_server(test), 'parley',
                       ('audio', 'video') if test == 2 else (), data=test == 1, quick=True,
                       needs=lambda peer: peer.echo_server) for test in (0, 1, 2)]
    return serves + [
        Scenario('calls echo_server', their_client_at_server, 'peer', data=True, quick=True),
    ]
