"""Changes of a live call: what either end adds, stops, restarts or prefers."""
import re
import time

from call import stat
from data import talk, wait_open


def add_video_later(who):
    """Begins with audio; one end offers video on the live call."""
    def body(call):
        call.connect()
        call.check_media()
        call.negotiate(who, ('video',))
        call.check_media(tracks=['audio', 'video'])
        call.close()
    return body


def ice_restart(who):
    def body(call):
        call.connect()
        call.check_media()
        offer, answer = call.negotiate(who, restart=True)
        old = {ufrag(sdp) for sdp in call.record['descriptions'][:2]}
        call.check(not old & {ufrag(offer), ufrag(answer)}, 'the ICE restart kept a user fragment')
        time.sleep(0.5)
        call.check_media()
        call.close()
    return body


def ufrag(sdp):
    return re.search(r'^a=ice-ufrag:(\S+)', sdp, re.M).group(1)


def add_channel_later(who):
    """Begins with media; one end makes the first data channel, which takes a new section."""
    def body(call):
        call.connect()
        call.check_media()
        call.end(who).ask('channel', label='late')
        call.negotiate(who)
        wait_open(call, who, ['late'])
        talk(call, who, 'late', [1, 1200, min(65536, call.about.longest)])
        call.check_media()
        call.close()
    return body


def switch_codec(who, codec):
    """Begins with VP8; one end offers another codec alone, and both change to it."""
    def body(call):
        call.connect()
        call.check_media()
        check_codec(call, 'VP8')
        call.negotiate(who, codecs=[codec])
        time.sleep(0.3)  # what was on its way before
        wait_for_pictures(call)
        call.check_media()
        check_codec(call, codec)
        call.close()
    return body


def wait_for_pictures(call):
    """Until more come at either end. GStreamer's VP9 begins 1.5 s after it was asked for."""
    def pictures():
        return [t.get('markers', t.get('frames')) for side in call.counts() for t in side if t['kind'] == 'video']
    before, end = pictures(), time.monotonic() + 4
    while not all(new > old for new, old in zip(pictures(), before)) and time.monotonic() < end:
        time.sleep(0.05)


def check_codec(call, codec):
    """What the ends say of the video that they send and receive."""
    for who in ('parley', 'peer') if call.about.tells_codecs else ('parley',):
        stats = call.end(who).ask('stats')['stats']
        for way in ('inbound-rtp', 'outbound-rtp'):
            used = stat(stats, 'codec', id=stat(stats, way, kind='video').get('codecId'))
            call.check(used.get('mimeType') == f'video/{codec}',
                       f"{who}, {way}: {used.get('mimeType')}, not {codec}")


def mute(who):
    """One end sends nothing for a while. The descriptions stay as they are."""
    def body(call):
        call.connect()
        call.check_media()
        # What sends back what it receives is as mute as parley.
        witness = 'parley' if call.about.echoes_rtp else call.other(who)
        call.end(who).ask('mute', muted=True)
        time.sleep(0.3)
        before = packets_received(call, witness)
        time.sleep(0.7)
        after = packets_received(call, witness)
        call.check(after - before <= 2 * len(call.scenario.media),
                   f'{after - before} packets from {who}, who is muted')
        call.end(who).ask('mute', muted=False)
        time.sleep(0.3)
        call.check_media()
        call.close()
    return body


def packets_received(call, who):
    stats = call.end(who).ask('stats')['stats']
    return sum(entry.get('packetsReceived', 0) for entry in stats if entry['type'] == 'inbound-rtp')


def glare(polite):
    """Both ends offer a video at once; one gives way, and offers its own again afterwards."""
    def body(call):
        call.connect()
        call.check_media()
        impolite = call.other(polite)
        offers = {who: call.end(who).ask('offer', media=['video'])['sdp'] for who in (polite, impolite)}
        answer = call.end(polite).ask('answer', sdp=offers[impolite])['sdp']
        call.end(impolite).ask('accept', sdp=answer)
        call.negotiate(polite)
        call.check_media(tracks=['audio', 'video'])
        call.close()
    return body
