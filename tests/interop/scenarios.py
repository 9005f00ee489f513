"""What is asked of a call. A scenario is a function of a `Call`; what it finds wrong it notes."""
import re
import time
from dataclasses import dataclass, field

import echoes
import whip
import whip_clients
from call import stat
from data import (big_messages, data_echo, lossy_data, lossy_limits, many_channels,
                  negotiated_channels, reopened_channels)
from live import add_channel_later, add_video_later, glare, ice_restart, mute, switch_codec
from quality import judge_browser, judge_parley

BOTH = ('audio', 'video')


@dataclass
class Scenario:
    name: str
    body: callable
    offerer: str = 'peer'
    media: tuple = BOTH
    # What parley does with media: 'echo' the encoded frames, or 'decode' and send its own.
    mode: str = 'echo'
    data: bool = False
    # Who sends media.
    direction: str = 'both'
    closer: str = 'parley'
    # Among those that are run on every change.
    quick: bool = False
    # More of parley's "start", and changes of descriptions on their way.
    start: dict = field(default_factory=dict)
    edit: callable = None
    needs: callable = None
    # Whether the host has an IPv4 address beside 127.0.0.1.
    ipv4: bool = True
    # More arguments of browser_peer.py.
    browser: tuple = ()

    @property
    def key(self):
        return f'{self.name}, {self.offerer} offers'


def media_call(call):
    call.connect()
    call.check_media(3)
    judge_parley(call)
    judge_browser(call)
    call.close()


def shown_addresses(call):
    """As after permission for the camera. Browsers otherwise show names that only they can resolve."""
    media_call(call)
    described = call.record['descriptions'][call.scenario.offerer == 'parley']
    hosts = re.findall(r'^a=candidate:(?:\S+ ){4}(\S+) .* typ host', described, flags=re.M)
    hidden = [host for host in hosts if host.endswith('.local')]
    call.check(hosts and not hidden, f'{len(hidden)} of {len(hosts)} candidates are names')


def distinct_videos(call):
    """Several videos, each with values of the marker that the others have not."""
    call.connect()
    call.check_media()
    mids = re.findall(r'^a=mid:(\S+)', call.record['descriptions'][0], re.M)
    for side in call.record['counts']['after']:
        videos = [track for track in side if track['kind'] == 'video' and 'seen' in track]
        videos.sort(key=lambda track: mids.index(track['mid']))
        seen = [sorted(track['seen']) for track in videos]
        call.check(all(values == list(range(4 * i, 4 * i + 4)) for i, values in enumerate(seen)),
                   f'videos are not where they belong: {seen}')
    call.close()


def lossy_call(call):
    """5 % of the datagrams are lost in each direction."""
    call.connect()
    call.check_media(5, slack=0.6)
    if call.about.w3c:
        call.close()


# Each half as wide as the next. The limits leave room for the largest, because the pictures drawn here
# need little and Chromium's estimate does not grow far beyond what is sent.
ENCODINGS = [{'rid': 'q', 'scaleResolutionDownBy': 4, 'maxBitrate': 60_000},
             {'rid': 'h', 'scaleResolutionDownBy': 2, 'maxBitrate': 120_000},
             {'rid': 'f', 'scaleResolutionDownBy': 1, 'maxBitrate': 600_000}]


def simulcast(call):
    """The peer sends one video in three encodings; parley receives each and shows the largest."""
    offer = call.peer.ask('offer', media=['video'], encodings=ENCODINGS)['sdp']
    call.check('a=simulcast:send' in offer, 'the peer offers no simulcast')
    answer = call.parley.ask('answer', sdp=offer)['sdp']
    call.check('a=simulcast:recv' in answer, 'parley does not take simulcast')
    call.record['descriptions'] = [offer, answer]
    call.peer.ask('accept', sdp=answer)
    call.wait_connected()
    layers = {}
    end = time.monotonic() + 12  # the largest begins when the estimate allows it
    while time.monotonic() < end:
        time.sleep(0.5)
        stats = call.parley.ask('stats')['stats']
        layers = {e['rid']: e.get('framesReceived', 0) for e in stats
                  if e['type'] == 'inbound-rtp' and 'rid' in e}
        if len(layers) == 3 and min(layers.values()) >= 30:
            break
    call.record['parley'] = stats
    for encoding in ENCODINGS:
        rid = encoding['rid']
        call.check(layers.get(rid, 0) >= 30, f'{layers.get(rid, 0)} pictures of {rid}')
    call.close()


def simulcast_from_parley(call):
    """parley sends one video in three encodings, each of which is a track to the peer."""
    rids = [encoding['rid'] for encoding in ENCODINGS]
    offer = call.parley.ask('offer', media=['video'], rids=rids)['sdp']
    answer = call.peer.ask('answer', sdp=offer)['sdp']
    if not call.check('a=simulcast:recv' in answer, 'the peer does not take simulcast'):
        return
    call.record['descriptions'] = [offer, answer]
    call.parley.ask('accept', sdp=answer)
    call.wait_connected()
    layers = {}
    end = time.monotonic() + 12
    while time.monotonic() < end:
        time.sleep(0.3)
        layers = {track.get('rid'): track for track in call.peer.ask('counts')['tracks']}
        if len(layers) == 3 and min(track['markers'] for track in layers.values()) >= 30:
            break
    call.record['counts'] = layers
    for rid in rids:
        call.check(layers.get(rid, {}).get('markers', 0) >= 30, f'pictures of {rid}: {layers.get(rid)}')
    widths = [layers.get(rid, {}).get('width', 0) for rid in rids]
    call.check(widths == [160, 320, 640], f'widths: {widths}')
    call.close()


# --- DTLS and addresses ---

# As statistics name them (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
IANA_NAMES = {'AEAD_AES_128_GCM': 'SRTP_AEAD_AES_128_GCM',
              'AEAD_AES_256_GCM': 'SRTP_AEAD_AES_256_GCM',
              'AES_CM_128_HMAC_SHA1_80': 'SRTP_AES128_CM_HMAC_SHA1_80'}


def with_profile(profile, role):
    def body(call):
        call.connect()
        call.check_media()
        transport = stat(call.parley.ask('stats')['stats'], 'transport')
        call.check(transport.get('srtpCipher') == IANA_NAMES[profile],
                   f"negotiated {transport.get('srtpCipher')}")
        call.check(transport.get('dtlsRole') == role, f"parley is the {transport.get('dtlsRole')}")
        call.close()
    return body


def with_codec(codec):
    def body(call):
        call.connect()
        call.check_media()
        stats = call.parley.ask('stats')['stats']
        used = stat(stats, 'codec', id=stat(stats, 'outbound-rtp', kind='video').get('codecId'))
        call.check(used.get('mimeType') == f'video/{codec}', f"negotiated {used.get('mimeType')}")
        call.close()
    return body


def with_role(role):
    def body(call):
        call.connect()
        call.check_media()
        transport = stat(call.parley.ask('stats')['stats'], 'transport')
        call.check(transport.get('dtlsRole') == role, f"parley is the {transport.get('dtlsRole')}")
        call.close()
    return body


def setup_of_offer(value):
    """Changes a=setup of the offer on its way."""
    def edit(sdp, type, **_):
        return re.sub(r'a=setup:actpass', f'a=setup:{value}', sdp) if type == 'offer' else sdp
    return edit


def only_ipv6(sdp, **_):
    return re.sub(r'^a=candidate:(?:\S+ ){4}[0-9.]+ .*\r?\n', '', sdp, flags=re.M)


def over_ipv6(call):
    call.connect()
    call.check_media()
    stats = call.parley.ask('stats')['stats']
    pair = stat(stats, 'candidate-pair', id=stat(stats, 'transport').get('selectedCandidatePairId'))
    address = stat(stats, 'local-candidate', id=pair.get('localCandidateId')).get('address', '')
    call.check(':' in address, f'the call goes over {address or "nothing"}')
    call.close()


def scenarios():
    """All, in the order of the table."""
    lossy = {'loss': 0.05}
    all_ = [
        Scenario('echo', media_call, 'peer', closer='parley', quick=True),
        Scenario('echo', media_call, 'parley', closer='peer', quick=True),
        Scenario('decode', media_call, 'peer', mode='decode', closer='peer', quick=True),
        Scenario('decode', media_call, 'parley', mode='decode', closer='parley', quick=True),
        Scenario('addresses shown', shown_addresses, 'peer', closer='peer', browser=('shown',),
                 needs=lambda peer: peer.browser),
        Scenario('addresses shown', shown_addresses, 'parley', browser=('shown',),
                 needs=lambda peer: peer.browser),
        Scenario('one way', media_call, 'peer', mode='decode', direction='to parley',
                 closer='peer'),
        Scenario('one way', media_call, 'parley', mode='decode', direction='from parley'),
        Scenario('audio alone', media_call, 'peer', ('audio',)),
        Scenario('audio alone', media_call, 'parley', ('audio',), mode='decode', closer='peer'),
        Scenario('video alone', media_call, 'peer', ('video',)),
        Scenario('video alone', media_call, 'parley', ('video',), mode='decode', closer='peer'),
        Scenario('three videos', distinct_videos, 'peer', ('audio', *3 * ('video',)), start={'apart': True}),
        Scenario('three videos', distinct_videos, 'parley', ('audio', *3 * ('video',)), mode='decode',
                 closer='peer', start={'apart': True}),
        Scenario('peer adds video', add_video_later('peer'), 'peer', ('audio',), quick=True),
        Scenario('parley adds video', add_video_later('parley'), 'peer', ('audio',)),
        Scenario('parley adds video', add_video_later('parley'), 'parley', ('audio',), quick=True),
        Scenario('peer adds video', add_video_later('peer'), 'parley', ('audio',)),
        Scenario('peer adds data', add_channel_later('peer'), 'peer', data=True),
        Scenario('parley adds data', add_channel_later('parley'), 'peer', data=True, closer='peer'),
        Scenario('parley adds data', add_channel_later('parley'), 'parley', data=True),
        Scenario('peer is muted', mute('peer'), 'peer', mode='decode'),
        Scenario('parley is muted', mute('parley'), 'parley', mode='decode', closer='peer'),
        Scenario('glare, peer gives way', glare('peer'), 'peer', ('audio',), mode='decode'),
        Scenario('glare, parley gives way', glare('parley'), 'parley', ('audio',), mode='decode',
                 closer='peer'),
        Scenario('peer restarts ICE', ice_restart('peer'), 'peer', quick=True),
        Scenario('parley restarts ICE', ice_restart('parley'), 'peer', closer='peer'),
        Scenario('parley restarts ICE', ice_restart('parley'), 'parley', quick=True),
        Scenario('peer restarts ICE', ice_restart('peer'), 'parley', closer='peer'),
        Scenario('5 % loss', lossy_call, 'peer', start=lossy),
        Scenario('5 % loss', lossy_call, 'parley', mode='decode', start=lossy),
        Scenario('simulcast', simulcast, 'peer', ('video',), mode='decode',
                 direction='to parley', closer='peer', start={'simulcast': True}),
        Scenario('simulcast', simulcast_from_parley, 'parley', ('video',), mode='decode',
                 direction='from parley'),
        Scenario('IPv6', over_ipv6, 'peer', edit=only_ipv6),
        Scenario('IPv6', over_ipv6, 'parley', edit=only_ipv6),
        Scenario('IPv6 alone', over_ipv6, 'peer', edit=only_ipv6, ipv4=False,
                 browser=('ipv6',)),
        Scenario('IPv6 alone', over_ipv6, 'parley', edit=only_ipv6, ipv4=False,
                 browser=('ipv6',)),
        Scenario('DTLS server', with_role('server'), 'peer', edit=setup_of_offer('active')),
        Scenario('DTLS client', with_role('client'), 'parley', edit=setup_of_offer('active'),
                 start={'peerDtlsRole': 'server'}),
    ]
    for codec in ('H264', 'VP9', 'AV1'):
        for offerer in ('peer', 'parley'):
            all_.append(Scenario(codec, with_codec(codec), offerer, start={'videoCodecs': [codec]}))
            all_.append(Scenario(f'VP8 to {codec}', switch_codec(offerer, codec), offerer,
                                 start={'videoCodecs': ['VP8', codec]}))
    for offerer, opener, closer in (('peer', 'peer', 'parley'), ('parley', 'parley', 'peer'),
                                    ('peer', 'parley', 'peer'), ('parley', 'peer', 'parley')):
        all_.append(Scenario(f'{opener} opens channels', data_echo(opener), offerer, (), data=True,
                             closer=closer, quick=offerer == opener))
    all_ += [
        Scenario('media and data', data_echo('peer'), 'peer', data=True, quick=True),
        Scenario('media and data', data_echo('parley'), 'parley', data=True, closer='peer'),
        Scenario('4 MiB messages', big_messages('peer'), 'peer', (), data=True,
                 start={'maxMessageSize': 4 << 20}),
        Scenario('4 MiB messages', big_messages('parley'), 'parley', (), data=True,
                 start={'maxMessageSize': 4 << 20}),
        Scenario('100 channels', many_channels('peer'), 'peer', (), data=True),
        Scenario('100 channels', many_channels('parley'), 'parley', (), data=True, quick=True),
        Scenario('negotiated channel', negotiated_channels, 'peer', (), data=True),
        Scenario('channels reopened', reopened_channels('peer'), 'peer', (), data=True, quick=True),
        Scenario('channels reopened', reopened_channels('parley'), 'parley', (), data=True),
        Scenario('data, 5 % loss', lossy_data('peer'), 'peer', (), data=True, start=lossy),
        Scenario('data, 5 % loss', lossy_data('parley'), 'parley', (), data=True, start=lossy),
        Scenario('limits, 5 % loss', lossy_limits('peer'), 'peer', (), data=True, start=lossy),
        Scenario('limits, 5 % loss', lossy_limits('parley'), 'parley', (), data=True, start=lossy),
    ]
    for profile in IANA_NAMES:
        for offerer, role in (('peer', 'client'), ('parley', 'server')):
            all_.append(Scenario(profile, with_profile(profile, role), offerer,
                                 start={'srtpProfiles': [profile]}))
    return all_ + echoes.scenarios(Scenario) + whip.scenarios(Scenario) + whip_clients.scenarios(Scenario)
