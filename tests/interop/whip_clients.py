"""echo_server with WHIP and WHEP clients that others wrote: whip-whep, the library of the RFC's author, in
browsers, and simple-whip-client of Meetecho, which is made with GStreamer."""
import contextlib
import os
import re
import signal
import subprocess
import tempfile
import time

import echoes
from agent import Failed
from peers import ECHO_SERVER
from whip import KINDS, TOKEN, Session, judge, second_agent

SERVER = [str(ECHO_SERVER), '--http-port', '0', '--token', TOKEN]


def check_ended(call, session):
    status, _, _ = echoes.request(session, headers={'Authorization': f'Bearer {TOKEN}'})
    call.check(status == 404, f'{session} is still there: {status}')


def library(call):
    with echoes.server(SERVER) as (base, _), second_agent(call) as viewer:
        sessions = []
        for agent, endpoint, media in ((call.peer, '/whip', {'media': KINDS}),
                                       (viewer, '/whep', {'directions': {'recvonly': KINDS}})):
            agent.ask('start')
            sessions.append(agent.ask('join', url=base + endpoint, token=TOKEN, **media)['location'])
            connected = agent.ask('connected', seconds=10)
            if not call.check(connected['connected'], f"not connected: {connected['states']}"):
                raise Failed('no connection')
            call.connect_ms = call.connect_ms or connected['ms']
        judge(call, viewer)
        for agent, session in zip((viewer, call.peer), reversed(sessions)):
            agent.ask('leave')
            check_ended(call, session)


def without_upnp(folder):
    """The program is linked with libsoup 2 and, by libnice and its search for UPnP gateways, with libsoup 3, which
    ends a process that has both. So libnice gets a library that finds no gateway."""
    names = ('add_port', 'get_type', 'remove_port_local', 'thread_new')
    source = ''.join(f'void *gupnp_simple_igd_{name}(void) {{ return 0; }}\n' for name in names)
    subprocess.run(['gcc', '-shared', '-fPIC', '-x', 'c', '-', '-Wl,-soname,libgupnp-igd-1.0.so.4', '-o',
                    f'{folder}/libgupnp-igd-1.0.so.4'], input=source, text=True, check=True)
    return {**os.environ, 'LD_LIBRARY_PATH': folder}


@contextlib.contextmanager
def whip_client(base):
    """Publishes until the end; gives the process and the URL of its session."""
    sound = ('audiotestsrc is-live=true freq=440 volume=0.3 ! opusenc ! rtpopuspay pt=100 ssrc=1 ! queue ! '
             'application/x-rtp,media=audio,encoding-name=OPUS,payload=100')
    pictures = ('videotestsrc is-live=true pattern=ball ! video/x-raw,width=320,height=240,framerate=30/1 ! '
                'vp8enc deadline=1 ! rtpvp8pay pt=96 ssrc=2 ! queue ! '
                'application/x-rtp,media=video,encoding-name=VP8,payload=96')
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            ['stdbuf', '-oL', 'whip-client', '-o', '-u', base + '/whip', '-t', TOKEN, '-A', sound, '-V', pictures],
            env=without_upnp(folder), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            yield process, session_of(process)
        finally:
            process.kill()
            process.wait()


def session_of(process):
    """Waits until it is connected. Its output ends with the process."""
    session, said = None, []
    for line in process.stdout:
        said.append(line)
        url = re.search(r'Resource URL: (\S+)', line)
        session = url.group(1) if url else session
        if 'PeerConnection connected' in line:
            return session
    raise Failed('whip-client: ' + ''.join(said[-3:]))


def program(call):
    with echoes.server(SERVER) as (base, _), whip_client(base) as (publisher, session):
        playing = Session(call, call.peer, base, '/whep')
        call.connect_ms = playing.start()
        before = call.peer.ask('counts')['tracks']
        time.sleep(3)
        after = call.peer.ask('counts')['tracks']
        call.record['counts'] = {'before': before, 'after': after}
        for old, new in zip(before, after):
            if new['kind'] == 'audio':
                call.check(abs(new['hertz'] - 440) < 20, f"{new['hertz']} Hz")
            else:  # its pictures have no marker
                call.check(new['frames'] - old['frames'] > 30, f'{new} after {old}')
        playing.end()
        publisher.send_signal(signal.SIGINT)
        publisher.communicate(timeout=8)
        check_ended(call, session)


def scenarios(Scenario):
    return [Scenario('whip-whep', library, 'peer', needs=lambda peer: peer.browser),
            Scenario('simple-whip-client', program, 'peer', needs=lambda peer: peer.name == 'gstreamer')]
