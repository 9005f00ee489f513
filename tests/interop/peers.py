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

NO_GCM = {profile: 'offers AES_CM_128_HMAC_SHA1_80 only: parley reports "no SRTP protection profile in '
                   'common"' for profile in ('AEAD_AES_128_GCM', 'AEAD_AES_256_GCM')}


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
    media: bool = True
    codecs: tuple = ('VP8',)
    # Statistics that say how well the media came.
    browser: bool = False
    # Gathers nothing on a host with nothing but loopback.
    needs_network: bool = False
    # Name or key of a scenario: the evidence that the peer cannot do it.
    cannot: dict = field(default_factory=dict)


PEERS = {peer.name: peer for peer in [
    Peer('chromium', 'Chromium', ['python3', f'{HERE}/browser_peer.py', 'chromium'],
         ['chromium'], version=['chromium', '--version'], browser=True),
    Peer('firefox', 'Firefox ESR', ['python3', f'{HERE}/browser_peer.py', 'firefox'],
         ['firefox-esr'], version=['firefox-esr', '--version'], browser=True, needs_network=True),
    Peer('wrtc', 'libwebrtc M106 (@roamhq/wrtc)', ['node', f'{HERE}/wrtc_peer.cjs'],
         ['nodejs', 'npm'], ['@roamhq/wrtc'], cannot=NO_GCM),
    Peer('aiortc', 'aiortc', ['/usr/bin/python3', f'{HERE}/aiortc_peer.py'], ['python3-aiortc'],
         cannot={**NO_GCM,
                 'simulcast': 'writes no a=simulcast and no rid',
                 'DTLS client': 'refuses an offer of another a=setup than actpass',
                 'peer adds video, parley offers':
                     'its second offer moves Opus to another payload type, which its own sender and '
                     'receiver do not follow'}),
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
