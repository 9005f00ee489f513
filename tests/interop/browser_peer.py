#!/usr/bin/env python3
"""browser_peer.py chromium|firefox [shown] [ipv6]: a headless browser as one end of calls. Passes the requests on
standard input to a page, and its replies to standard output (docs/interop.md lists them). Pages that have no
permission for the camera show a peer names in place of addresses, as browsers do; `shown`: addresses. `ipv6`: the
page comes over IPv6, as on a host that has nothing else; Firefox gathers what leads to where its page came from.

The page fetches its requests from the server it came from, so no remote control of the browser is
needed.
"""
import http.server
import json
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Client libraries that pages load, in the folder of npm.
MODULES = {'/whip.js': 'whip-whep/whip.js', '/whep.js': 'whip-whep/whep.js'}
requests = queue.Queue()
output = threading.Lock()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    # Headers and body leave together and at once, else each request takes the 40 ms of a delayed ACK.
    wbufsize = -1
    disable_nagle_algorithm = True

    def answer(self, body, content_type):
        self.send_response(200)
        self.send_header('content-type', content_type)
        self.send_header('content-length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path == '/request':
            return self.answer(requests.get(), 'application/json')
        if self.path in MODULES:
            module = Path(os.environ['PARLEY_NODE_MODULES'], MODULES[self.path])
            return self.answer(module.read_bytes(), 'text/javascript')
        scripts = (HERE / name for name in ('call.js', 'browser_media.js'))
        page = '<!doctype html><title>parley</title><body>' + ''.join(
            f'<script>{script.read_text()}</script>' for script in scripts)
        self.answer(page.encode(), 'text/html')

    def do_POST(self):
        say(self.rfile.read(int(self.headers['content-length'])))
        self.answer(b'', 'text/plain')

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, ipv6):
        self.address_family = socket.AF_INET6 if ipv6 else socket.AF_INET
        super().__init__(('::1' if ipv6 else '127.0.0.1', 0), Handler)
        self.url = f"http://{'[::1]' if ipv6 else '127.0.0.1'}:{self.server_port}/"


def say(line):
    with output:
        sys.stdout.buffer.write(line + b'\n')
        sys.stdout.buffer.flush()


def chromium(profile, url, shown):
    return [os.environ.get('PARLEY_CHROMIUM', 'chromium'), '--headless', '--no-sandbox',
            '--disable-gpu', '--disable-dev-shm-usage', f'--user-data-dir={profile}',
            *(['--disable-features=WebRtcHideLocalIpsWithMdns'] if shown else []),
            '--autoplay-policy=no-user-gesture-required', '--disable-background-networking',
            '--disable-background-timer-throttling', '--disable-renderer-backgrounding',
            '--disable-backgrounding-occluded-windows', '--no-first-run', '--disable-sync',
            '--disable-component-update', '--disable-default-apps', '--mute-audio',
            '--remote-debugging-port=0', url]


def firefox(profile, url, shown):
    preferences = {
        'media.peerconnection.ice.obfuscate_host_addresses': not shown,
        'media.autoplay.default': 0, 'media.autoplay.blocking_policy': 0,
        'media.navigator.streams.fake': True, 'media.navigator.permission.disabled': True,
        'media.navigator.audio.fake_frequency': 440,
        'media.gmp-manager.updateEnabled': False, 'app.update.auto': False,
        'datareporting.policy.dataSubmissionEnabled': False,
        'network.captive-portal-service.enabled': False,
        'network.connectivity-service.enabled': False,
        'browser.safebrowsing.update.enabled': False, 'services.settings.server': 'data:,',
        'extensions.getAddons.cache.enabled': False, 'toolkit.telemetry.enabled': False,
        'browser.shell.checkDefaultBrowser': False, 'browser.aboutwelcome.enabled': False,
        'dom.min_background_timeout_value': 4, 'browser.sessionstore.resume_from_crash': False,
    }
    Path(profile, 'user.js').write_text(''.join(
        f'user_pref({json.dumps(k)}, {json.dumps(v)});\n' for k, v in preferences.items()))
    return ['firefox-esr', '--headless', '--no-remote', '--profile', profile, url]


def main():
    server = Server('ipv6' in sys.argv[2:])
    threading.Thread(target=server.serve_forever, daemon=True).start()
    profile = tempfile.mkdtemp(prefix='parley-browser-')
    make = {'chromium': chromium, 'firefox': firefox}[sys.argv[1]]
    with open(Path(profile, 'log'), 'wb') as log:
        browser = subprocess.Popen(
            make(profile, server.url, 'shown' in sys.argv[2:]), stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, process_group=0,
            env={**os.environ, 'HOME': profile, 'MOZ_DISABLE_CONTENT_SANDBOX': '1'})
    try:
        for line in sys.stdin.buffer:
            requests.put(line)
    finally:
        try:
            os.killpg(browser.pid, signal.SIGTERM)
            browser.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(browser.pid, signal.SIGKILL)
        shutil.rmtree(profile, ignore_errors=True)


main()
