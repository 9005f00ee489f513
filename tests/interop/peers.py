"""The stacks that parley calls: what they need, how they are started, what they cannot do."""
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HERE = ROOT / 'tests/interop'
WORK = ROOT / 'build/interop'
PARLEY = ROOT / 'build/release/tests/interop/interop_peer'
ECHO_SERVER = ROOT / 'build/release/examples/echo_server/echo_server'
ECHO_CLIENT = ROOT / 'build/release/examples/echo_client/echo_client'

NO_GCM = {profile: 'offers AES_CM_128_HMAC_SHA1_80 only: parley reports "no SRTP protection profile in '
                   'common"' for profile in ('AEAD_AES_128_GCM', 'AEAD_AES_256_GCM')}
ONE_ENCODING = {'simulcast, parley offers': 'answers without a=simulcast'}


def without(codec, evidence):
    return {codec: evidence, f'VP8 to {codec}': evidence}


NO_MEDIA = dict.fromkeys(
    ('echo', 'one way', 'simulcast', 'WHIP and WHEP',
     *(f'{change}{codec}' for codec in ('H264', 'VP9', 'AV1') for change in ('', 'VP8 to '))),
    'has no codecs and so no media of its own; it sends back what it receives')


@dataclass
class Peer:
    name: str
    title: str
    command: list
    debian: list
    npm: list = field(default_factory=list)
    # Prints the version; otherwise the reply to "start" tells it.
    version: list = None
    build: callable = None
    # Has no media of its own and sends back what it receives.
    echoes_rtp: bool = False
    # Has the W3C interface and answers requests by call.js.
    w3c: bool = False
    # Statistics that say how well the media came.
    browser: bool = False
    # Statistics that say which codecs are used.
    tells_codecs: bool = False
    # Calls at once. A browser in one takes half a processor.
    lanes: int = 8
    # Gathers nothing on a host with nothing but loopback.
    needs_network: bool = False
    # Ends a call without a word, so that only parley's end of it can be watched.
    silent: bool = False
    # The shortest message that does not break it.
    shortest: int = 0
    # Messages that it takes, where its description says more or nothing, in bytes.
    longest: int = 1 << 30
    # Asks for a key frame whenever it can show nothing without.
    asks_for_key_frames: bool = True
    # Sees the end of a call on which it only sends.
    hears_close_notify: bool = True
    # The command of an echo server made with it, that says where it listens.
    echo_server: list = None
    # Name or key of a scenario: the evidence that the peer cannot do it.
    cannot: dict = field(default_factory=dict)

    @property
    def restarts(self):
        return 'peer restarts ICE' not in self.cannot


def build_pion():
    subprocess.run([f'{HERE}/build_pion', str(WORK / 'pion')], check=True)


PEERS = {peer.name: peer for peer in [
    Peer('chromium', 'Chromium', ['python3', f'{HERE}/browser_peer.py', 'chromium'],
         ['chromium', 'nodejs', 'npm'], ['whip-whep'], version=['chromium', '--version'], w3c=True, browser=True, tells_codecs=True, lanes=2,
         cannot=ONE_ENCODING),
    Peer('firefox', 'Firefox ESR', ['python3', f'{HERE}/browser_peer.py', 'firefox'],
         ['firefox-esr', 'nodejs', 'npm'], ['whip-whep'], version=['firefox-esr', '--version'], w3c=True, browser=True, tells_codecs=True,
         lanes=2, needs_network=True,
         cannot={**ONE_ENCODING,
                 **without('H264', 'has no H264 without a plugin that it loads from elsewhere')}),
    Peer('wrtc', 'libwebrtc M106 (@roamhq/wrtc)', ['node', f'{HERE}/wrtc_peer.cjs'],
         ['nodejs', 'npm'], ['@roamhq/wrtc'], w3c=True, tells_codecs=True,
         cannot={**NO_GCM, **ONE_ENCODING,
                 **without('H264', 'is built without it: getCapabilities tells of VP8, VP9 and AV1')}),
    Peer('gstreamer', 'GStreamer webrtcbin', ['/usr/bin/python3', f'{HERE}/gstreamer_peer.py'],
         ['gstreamer1.0-plugins-bad', 'gstreamer1.0-plugins-good', 'gstreamer1.0-plugins-base',
          'gstreamer1.0-nice', 'gstreamer1.0-tools', 'gir1.2-gst-plugins-bad-1.0',
          'gir1.2-gst-plugins-base-1.0', 'python3-gi', 'python3-numpy', 'simple-whip-client', 'gcc'],
         # It hands an empty message to nobody, and what follows neither.
         silent=True, shortest=1,
         cannot={**NO_GCM, **ONE_ENCODING,
                 **without('AV1', 'its payloader of AV1 is in gst-plugins-rs, which Debian 12 has not: no element '
                                  'rtpav1pay'),
                 'glare, peer gives way': 'has no rollback: "Not in the correct state (have-local-offer) for '
                                          'setting local rollback description"',
                 'simulcast, peer offers': 'webrtcbin 1.22 sends one encoding of a track',
                 'peer restarts ICE': 'webrtcbin 1.22 has no option for it',
                 'parley restarts ICE': 'webrtcbin 1.22 has no ICE restart'}),
    Peer('libdatachannel', 'libdatachannel', ['node', f'{HERE}/libdatachannel_peer.cjs'],
         ['nodejs', 'npm'], ['node-datachannel'], echoes_rtp=True,
         cannot={**NO_MEDIA,
                 'peer restarts ICE': 'keeps its user fragment',
                 'parley restarts ICE': 'refuses another user fragment: "Invalid ICE settings from remote SDP"',
                 'peer adds data': 'hangs in setRemoteDescription of the answer',
                 'parley adds data': 'refuses the offer: "Starting SCTP transport without local application '
                                     'description"'}),
    Peer('pion', 'Pion', [f'{WORK}/pion/pion_peer'],
         ['golang-go', 'golang-github-pion-webrtc.v3-dev', 'gcc', 'pkg-config', 'libavcodec-dev',
          'libavutil-dev', 'libopus-dev'], build=build_pion, tells_codecs=True,
         # A message of 65536 bytes does not fit its buffer of 65535, and it closes the channel.
         longest=65535, hears_close_notify=False, echo_server=[f'{WORK}/pion/pion_peer', 'serve'],
         cannot={'glare, peer gives way': 'has no rollback: "invalid proposed signaling state transition: '
                                          'have-local-offer->SetLocal(rollback)->stable"',
                 'channels reopened, peer offers': 'gives no id twice: 1 3 5 7 9 11',
                 'AEAD_AES_256_GCM': 'does not know it: alert insufficient_security'}),
    Peer('aiortc', 'aiortc', ['/usr/bin/python3', f'{HERE}/aiortc_peer.py'], ['python3-aiortc'],
         asks_for_key_frames=False, echo_server=['/usr/bin/python3', f'{HERE}/aiortc_echo.py'],
         cannot={**NO_GCM,
                 **ONE_ENCODING, 'simulcast, peer offers': 'writes no a=simulcast and no rid',
                 **without('VP9', 'has VP8 and H264'), **without('AV1', 'has VP8 and H264'),
                 'VP8 to H264': 'its sender and receiver keep the codec with which they began',
                 'glare, peer gives way': 'has no rollback: "Cannot handle offer in signaling state '
                                          'have-local-offer"',
                 'peer restarts ICE': 'createOffer has no iceRestart',
                 'parley restarts ICE': 'answers with the user fragment that it had',
                 'limits, 5 % loss':
                     'says FORWARD TSN once. When it is lost, its timer sends again what had been '
                     'acknowledged by gap blocks, counts it in flight for ever and sends no more',
                 'DTLS client': 'refuses an offer of another a=setup than actpass',
                 **dict.fromkeys(
                     ('peer adds video, parley offers', 'glare, parley gives way'),
                     'its second offer moves Opus to another payload type, which its own sender and '
                     'receiver do not follow')}),
]}


def as_root(command, **options):
    sudo = [] if os.geteuid() == 0 else ['sudo']
    return subprocess.run([*sudo, *command], **options)


def install(peer):
    installed = subprocess.run(['dpkg-query', '-W', '-f=${db:Status-Status} ${Package}\n'],
                               capture_output=True, text=True).stdout.split('\n')
    missing = [p for p in peer.debian if f'installed {p}' not in installed]
    # A node that came from elsewhere is as good.
    if shutil.which('node') and shutil.which('npm'):
        missing = [p for p in missing if p not in ('nodejs', 'npm')]
    if missing:
        print('installing:', *missing, file=sys.stderr)
        as_root(['apt-get', 'update', '-qq'], check=False)
        as_root(['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', 'install', '-y', '-qq',
                 '--no-install-recommends', *missing], check=True, stdout=subprocess.DEVNULL)
    WORK.mkdir(parents=True, exist_ok=True)
    wanted = [p for p in peer.npm if not (WORK / 'node_modules' / p).exists()]
    if wanted:
        subprocess.run(['npm', 'install', '--no-fund', '--no-audit', '--silent', '--prefix',
                        str(WORK), *wanted], check=True, stdout=subprocess.DEVNULL)
    if peer.build:
        peer.build()


def version_of(peer):
    if not peer.version:
        return None
    told = subprocess.run(peer.version, capture_output=True, text=True).stdout
    return next((word for word in told.split() if word[0].isdigit()), told.strip())
