"""What is asked of a call. A scenario is a function of a `Call`; what it finds wrong it notes."""
import re
import time
from dataclasses import dataclass, field

import echoes
import whip
from agent import Failed

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

    @property
    def key(self):
        return f'{self.name}, {self.offerer} offers'


class Call:
    """One call between the agent `parley` and the agent `peer`."""

    def __init__(self, scenario, parley, peer, about):
        self.scenario = scenario
        self.parley, self.peer, self.about = parley, peer, about
        self.failed = []
        self.connect_ms = None
        self.notes = []
        self.record = {}
        options = {'decode': scenario.mode == 'decode', **scenario.start}
        if scenario.direction != 'both':
            options['direction'] = 'recvonly' if scenario.direction == 'to parley' else 'sendonly'
        parley.ask('start', **options)
        peer.ask('start')

    def check(self, condition, text):
        if not condition:
            self.failed.append(text)
        return condition

    def end(self, who):
        return self.parley if who == 'parley' else self.peer

    def other(self, who):
        return 'peer' if who == 'parley' else 'parley'

    def negotiate(self, offerer, media=(), restart=False, keep='offer'):
        """Offer, answer, accept. `media` are the kinds that both ends begin to send."""
        scenario = self.scenario
        edit = scenario.edit or (lambda sdp, **_: sdp)
        sends = {'parley': True, 'peer': scenario.direction != 'from parley'}
        offer_args = {'media': list(media)} if sends[offerer] else {
            'directions': {'recvonly': list(media)}}
        offer = self.end(offerer).ask('offer', restart=restart, **offer_args,
                                      **self.codec_arguments(offerer))['sdp']
        self.record.setdefault('descriptions', []).append(offer)
        answerer = self.other(offerer)
        answer = self.end(answerer).ask(
            'answer', sdp=edit(offer, maker=offerer, type='offer'),
            media=list(media) if sends[answerer] and self.scenario.direction != 'to parley' or
            answerer == 'peer' and sends['peer'] else [],
            **self.codec_arguments(answerer))['sdp']
        self.record['descriptions'].append(answer)
        self.end(offerer).ask('accept', sdp=edit(answer, maker=answerer, type='answer'))
        return offer, answer

    def codec_arguments(self, who):
        codecs = self.scenario.start.get('videoCodecs')
        return {'codecs': codecs} if who == 'peer' and codecs else {}

    def wait_connected(self):
        waiting = self.peer.begin('connected', seconds=10)
        ours = self.parley.ask('connected', seconds=10)
        theirs = self.peer.finish(waiting)
        self.check(ours['connected'], f"parley is not connected: {ours['states']}")
        self.check(theirs['connected'], f"the peer is not connected: {theirs['states']}")
        if not (ours['connected'] and theirs['connected']):
            raise Failed('no connection')
        self.connect_ms = theirs['ms']

    def connect(self):
        self.negotiate(self.scenario.offerer, self.scenario.media)
        self.wait_connected()

    # --- Media ---

    def media_from(self, seconds):
        """What both ends counted within some seconds, after the first picture was seen, and how long
        that was."""
        end = time.monotonic() + 4
        while time.monotonic() < end:
            from_, before = time.monotonic(), self.counts()
            if all(t.get('markers', t.get('frames', 0)) > 0
                   for side in before for t in side if t['kind'] == 'video'):
                break
            time.sleep(0.05)
        time.sleep(seconds)
        end = time.monotonic() + 3
        while not heard_since(before, after := self.counts()) and time.monotonic() < end:
            time.sleep(0.05)
        self.record['counts'] = {'before': before, 'after': after}
        return before, after, time.monotonic() - from_

    def counts(self):
        return self.peer.ask('counts')['tracks'], self.parley.ask('counts')['tracks']

    def check_media(self, seconds=1, tracks=None, slack=1.0):
        """Pictures with a readable, moving marker and the tone arrive at either end. `slack` below
        one is for paths that lose packets."""
        before, after, seconds = self.media_from(seconds)
        scenario = self.scenario
        kinds = tracks or list(scenario.media)
        echoes = scenario.mode == 'echo'
        if scenario.direction != 'to parley':
            self.check_side('the peer', before[0], after[0], kinds, seconds, slack,
                             440 if echoes else 660)
        if scenario.direction != 'from parley':
            self.check_side('parley', before[1], after[1], kinds, seconds, slack,
                             None if echoes else 440)

    def check_side(self, side, before, after, kinds, seconds, slack, hertz):
        for kind in ('audio', 'video'):
            news = [t for t in after if t['kind'] == kind]
            wanted = kinds.count(kind)
            active = 0
            for track in news:
                old = next((t for t in before if t['kind'] == kind and t['mid'] == track['mid']), {})
                grown = {k: v - old.get(k, 0) for k, v in track.items()
                         if k in ('frames', 'markers', 'looks', 'blocks')}
                if any(grown.values()) or track.get('hertz'):
                    active += 1
                    self._check_track(f"{side}, {kind} {track['mid']}", track, grown, seconds, slack,
                                      hertz)
            self.check(active >= wanted, f'{side} has {active} of {wanted} {kind} tracks')

    def _check_track(self, where, track, grown, seconds, slack, hertz):
        if track['kind'] == 'audio':
            if 'blocks' in grown:
                # 50 packets or 100 blocks a second.
                self.check(grown['blocks'] > 35 * slack * seconds,
                           f"{where}: {grown['blocks'] / seconds:.0f} blocks per second")
            if hertz is not None and slack == 1.0:
                self.check(abs(track.get('hertz', 0) - hertz) < 20,
                           f"{where}: a tone of {track.get('hertz', 0):.0f} Hz, not {hertz}")
            return
        if 'frames' in grown:
            self.check(grown['frames'] > 12 * slack * seconds,
                       f"{where}: {grown['frames'] / seconds:.0f} pictures per second")
        if 'markers' in track:
            looks = grown.get('looks') or grown['frames']
            self.check(grown['markers'] >= 0.8 * slack * looks > 0,
                       f"{where}: {grown['markers']} of {looks} pictures have a marker")
            self.check(track['values'] >= 8, f"{where}: {track['values']} of 16 markers seen")

    # --- Ends ---

    def close(self):
        """One end closes, the other sees it within a second."""
        closer = 'parley' if self.about.silent else self.scenario.closer
        seeing = self.end(self.other(closer))
        from_ = time.monotonic()
        waiting = seeing.begin('gone', seconds=3)
        closing = self.end(closer).begin('close')
        gone = seeing.finish(waiting)
        ms = 1000 * (time.monotonic() - from_)
        self.end(closer).finish(closing)
        self.check(gone['gone'] and ms < 1000,
                   f"closing was not seen within a second ({gone['gone']}, {ms:.0f} ms)")


def heard_since(before, after):
    """Whether ends that listen piece by piece have heard one that began after `before`."""
    old = {track['mid']: track.get('pieces', 0) for track in before[0]}
    return all(track['pieces'] >= old.get(track['mid'], 0) + 2
               for track in after[0] if 'pieces' in track)


def stat(stats, entry_type, **wanted):
    for entry in stats or []:
        if entry.get('type') == entry_type and all(entry.get(k) == v for k, v in wanted.items()):
            return entry
    return {}


# --- Judging what browsers and parley counted, on a path without loss ---


def judge_parley(call):
    stats = call.record['parley'] = call.parley.ask('stats')['stats']
    for kind in call.scenario.media:
        if call.scenario.direction != 'from parley':
            inbound = stat(stats, 'inbound-rtp', kind=kind)
            call.check(inbound.get('packetsReceived', 0) > 0, f'parley received no {kind}')
            call.check(inbound.get('packetsLost', 0) == 0,
                       f"parley lost {inbound.get('packetsLost')} {kind} packets")
        if call.scenario.direction != 'to parley':
            outbound = stat(stats, 'outbound-rtp', kind=kind)
            call.check(outbound.get('packetsSent', 0) > 0, f'parley sent no {kind}')


def stats_with_round_trips(call):
    """The peer's statistics. A browser reports on audio every five seconds, and a round trip takes a
    report each way: a short call is held on for it."""
    end = time.monotonic() + 8
    while True:
        stats = call.peer.ask('stats')['stats']
        if call.scenario.direction == 'from parley' or time.monotonic() > end or all(
                'roundTripTime' in stat(stats, 'remote-inbound-rtp', kind=kind)
                for kind in call.scenario.media):
            return stats
        time.sleep(0.3)


def judge_browser(call):
    """Nothing may look unusual to a browser."""
    if not call.about.browser:
        return
    check = call.check
    stats = call.record['peer'] = stats_with_round_trips(call)
    for kind in call.scenario.media:
        inbound = stat(stats, 'inbound-rtp', kind=kind)
        outbound = stat(stats, 'outbound-rtp', kind=kind)
        remote = stat(stats, 'remote-inbound-rtp', kind=kind)
        if call.scenario.direction != 'to parley':
            check(inbound.get('packetsLost') == 0, f"{kind}: lost {inbound.get('packetsLost')}")
            check(inbound.get('nackCount', 0) == 0, f"{kind}: {inbound.get('nackCount')} NACKs")
            sender = stat(stats, 'remote-outbound-rtp', kind=kind)
            check(sender.get('packetsSent', 0) > 0, f'{kind}: no sender reports')
        if call.scenario.direction != 'from parley':
            check(outbound.get('nackCount', 0) == 0,
                  f"{kind}: {outbound.get('nackCount')} NACKs from parley")
            check(remote.get('packetsLost') == 0, f'{kind}: receiver reports lack or show loss')
            check('roundTripTime' in remote, f'{kind}: no round trip from receiver reports')
    if call.scenario.direction == 'to parley':
        return
    if 'video' in call.scenario.media:
        video = stat(stats, 'inbound-rtp', kind='video')
        check(video.get('framesDropped', 0) <= 5, f"video: dropped {video.get('framesDropped')}")
        check(video.get('freezeCount', 0) == 0, f"video: {video.get('freezeCount')} freezes")
        check(video.get('pliCount', 0) <= 1, f"video: {video.get('pliCount')} PLIs")
        delay = 1000 * video.get('jitterBufferDelay', 0) / max(1, video.get('jitterBufferEmittedCount', 1))
        check(delay < 150, f'video: jitter buffer of {delay:.0f} ms')
        call.notes.append(f"{video.get('framesPerSecond', 0):.0f} fps")
    audio = stat(stats, 'inbound-rtp', kind='audio')
    samples = max(1, audio.get('totalSamplesReceived', 1))
    concealed = audio.get('concealedSamples', 0) / samples
    check(concealed < 0.05, f'audio: {100 * concealed:.0f} % concealed')
    check(audio.get('packetsDiscarded', 0) == 0,
          f"audio: {audio.get('packetsDiscarded')} packets discarded")
    delay = 1000 * audio.get('jitterBufferDelay', 0) / max(1, audio.get('jitterBufferEmittedCount', 1))
    # A busy host lets the program that speaks stall, and the buffer follows.
    check(delay < 500, f'audio: jitter buffer of {delay:.0f} ms')


# --- Scenarios ---


def media_call(call):
    call.connect()
    call.check_media(3)
    judge_parley(call)
    judge_browser(call)
    call.close()


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
        for old, new in zip(call.record['descriptions'], (offer, answer)):
            call.check(ufrag(old) != ufrag(new), 'the ICE restart kept its user fragment')
        time.sleep(0.5)
        call.check_media()
        call.close()
    return body


def ufrag(sdp):
    return re.search(r'^a=ice-ufrag:(\S+)', sdp, re.M).group(1)


def lossy_call(call):
    """5 % of the datagrams are lost in each direction."""
    call.connect()
    call.check_media(5, slack=0.6)


# --- Data channels ---

KINDS_OF_CHANNEL = {
    'reliable': {},
    'unordered': {'ordered': False, 'protocol': 'parley'},
    'no retransmission': {'ordered': False, 'maxRetransmits': 0},
    'one second': {'maxPacketLifeTime': 1000},
}


def longest_message(call):
    """What both ends say that they take (RFC 8841 section 6; 0 is any, absent 64 KiB)."""
    sizes = []
    for sdp in call.record['descriptions'][:2]:
        said = re.search(r'^a=max-message-size:(\d+)', sdp, re.M)
        size = int(said.group(1)) if said else 65536
        sizes.append(size or 1 << 30)
    return min(*sizes, call.about.longest)


def connect_with(call, opener, channels):
    end = call.end(opener)
    for label, init in channels.items():
        end.ask('channel', label=label, init=init)
    if opener != call.scenario.offerer:
        # A first channel, for an offer with a section for data.
        call.end(call.scenario.offerer).ask('channel', label='first')
    call.connect()
    return wait_open(call, opener, list(channels))


def wait_open(call, opener, labels):
    opened = call.end(opener).ask('opened', labels=labels)
    call.check(opened['open'], f'channels do not open at {opener}: {opened}')
    if not opened['open']:
        raise Failed('no data channel')
    return opened['ids']


def talk(call, who, label, sizes, text=False, seconds=10, at_least=None):
    said = call.end(who).ask('talk', label=label, sizes=sizes, text=text, seconds=seconds)
    what = f"{who}, {label}, {'text' if text else 'binary'}"
    call.check(said['back'] >= (said['sent'] if at_least is None else at_least),
               f"{what}: {said['back']} of {said['sent']} messages came back")
    call.check(said['wrong'] == 0, f"{what}: {said['wrong']} messages are wrong")
    # Behind a message that was given up, the others are only seemingly out of order.
    if label == 'reliable' or label == 'one second' and said['back'] == said['sent']:
        call.check(said['reordered'] == 0, f"{what}: {said['reordered']} messages out of order")


def data_echo(opener):
    """Messages of all sizes, as text and binary, on channels of all kinds."""
    def body(call):
        connect_with(call, opener, KINDS_OF_CHANNEL)
        longest = longest_message(call)
        sizes = sorted({max(call.about.shortest, min(size, longest))
                        for size in (0, 1, 1200, 65536, 262144)})
        for label in KINDS_OF_CHANNEL:
            for text in (False, True):
                # A burst of 220 packets may overflow the peer's socket, and then it stays so.
                few = [size for size in sizes if size <= 65536]
                talk(call, opener, label, few if label == 'no retransmission' else sizes, text)
        call.notes.append(f'to {sizes[-1]} bytes')
        if call.scenario.media:
            call.check_media()
        call.close()
    return body


def big_messages(opener):
    def body(call):
        connect_with(call, opener, {'reliable': {}})
        longest = min(longest_message(call), 4 << 20)
        talk(call, opener, 'reliable', [longest, 5, longest], seconds=20)
        call.notes.append(f'of {longest} bytes')
        call.close()
    return body


def many_channels(opener):
    def body(call):
        labels = [f'channel {i}' for i in range(100)]
        connect_with(call, opener, dict.fromkeys(labels, {}))
        end = call.end(opener)
        talks = [end.begin('talk', label=label, sizes=[100, 2000], seconds=15) for label in labels]
        back = sum(end.finish(one)['back'] for one in talks)
        call.check(back == 200, f'{back} of 200 messages came back')
        call.close()
    return body


def negotiated_channels(call):
    """Made at both ends with the same id; nothing is said in-band."""
    init = {'negotiated': True, 'id': 5}
    call.peer.ask('channel', label='agreed', init=init)
    call.parley.ask('channel', label='agreed', init=init, echo=True)
    call.connect()
    wait_open(call, 'peer', ['agreed'])
    talk(call, 'peer', 'agreed', [1, 1200, 16384])
    call.close()


def reopened_channels(opener):
    """Closes channels one after another and opens new ones, whose ids are used again."""
    def body(call):
        end = call.end(opener)
        ids = connect_with(call, opener, {'reliable': {}})
        for i in range(5):
            label = f'again {i}' if i else 'reliable'
            talk(call, opener, label, [10, 5000])
            hung = end.ask('hangup', label=label, seconds=5)
            if not call.check(hung['closed'], f"{label} does not close at {opener}: {hung}"):
                break
            end.ask('channel', label=f'again {i + 1}')
            ids += wait_open(call, opener, [f'again {i + 1}'])
        call.notes.append(f"ids {' '.join(map(str, ids))}")
        call.check(len(set(ids)) < len(ids), f'no id was used again: {ids}')
        call.close()
    return body


def lossy_data(opener):
    def body(call):
        connect_with(call, opener, KINDS_OF_CHANNEL)
        talk(call, opener, 'reliable', [1000] * 100 + [60000], seconds=30)
        talk(call, opener, 'unordered', [1000] * 100 + [60000], seconds=30)
        talk(call, opener, 'no retransmission', [1000] * 100, seconds=3, at_least=10)
        talk(call, opener, 'one second', [1000] * 100, seconds=5, at_least=10)
        # Nothing that was given up holds the others. (What says goodbye may be lost as well.)
        talk(call, opener, 'reliable', [10, 1000], seconds=30)
    return body


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


# --- DTLS and addresses ---

# As statistics name them (RFC 5764 section 4.1.2, RFC 7714 section 14.2).
IANA_NAMES = {'AEAD_AES_128_GCM': 'SRTP_AEAD_AES_128_GCM',
              'AEAD_AES_256_GCM': 'SRTP_AEAD_AES_256_GCM',
              'AES_CM_128_HMAC_SHA1_80': 'SRTP_AES128_CM_HMAC_SHA1_80'}


def with_profile(profile):
    def body(call):
        call.connect()
        call.check_media()
        transport = stat(call.parley.ask('stats')['stats'], 'transport')
        call.check(transport.get('srtpCipher') == IANA_NAMES[profile],
                   f"negotiated {transport.get('srtpCipher')}")
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
    all_ = [
        Scenario('echo', media_call, 'peer', closer='parley', quick=True),
        Scenario('echo', media_call, 'parley', closer='peer', quick=True),
        Scenario('decode', media_call, 'peer', mode='decode', closer='peer', quick=True),
        Scenario('decode', media_call, 'parley', mode='decode', closer='parley', quick=True),
        Scenario('one way', media_call, 'peer', mode='decode', direction='to parley',
                 closer='peer'),
        Scenario('one way', media_call, 'parley', mode='decode', direction='from parley'),
        Scenario('peer adds video', add_video_later('peer'), 'peer', ('audio',), quick=True),
        Scenario('parley adds video', add_video_later('parley'), 'peer', ('audio',)),
        Scenario('parley adds video', add_video_later('parley'), 'parley', ('audio',), quick=True),
        Scenario('peer adds video', add_video_later('peer'), 'parley', ('audio',)),
        Scenario('peer restarts ICE', ice_restart('peer'), 'peer', quick=True),
        Scenario('parley restarts ICE', ice_restart('parley'), 'peer', closer='peer'),
        Scenario('parley restarts ICE', ice_restart('parley'), 'parley', quick=True),
        Scenario('peer restarts ICE', ice_restart('peer'), 'parley', closer='peer'),
        Scenario('5 % loss', lossy_call, 'peer', start={'loss': 0.05, 'seed': 1}),
        Scenario('5 % loss', lossy_call, 'parley', mode='decode', start={'loss': 0.05, 'seed': 2}),
        Scenario('simulcast', simulcast, 'peer', ('video',), mode='decode',
                 direction='to parley', start={'simulcast': True}),
        Scenario('IPv6', over_ipv6, 'peer', edit=only_ipv6),
        Scenario('IPv6', over_ipv6, 'parley', edit=only_ipv6),
        Scenario('DTLS server', with_role('server'), 'peer', edit=setup_of_offer('active')),
        Scenario('DTLS client', with_role('client'), 'parley', edit=setup_of_offer('active')),
    ]
    for codec in ('H264', 'VP9', 'AV1'):
        for offerer in ('peer', 'parley'):
            all_.append(Scenario(codec, with_codec(codec), offerer, start={'videoCodecs': [codec]},
                                 needs=lambda peer, c=codec: c in peer.codecs))
    lossy = {'loss': 0.05, 'seed': 3}
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
    ]
    for profile in IANA_NAMES:
        all_.append(Scenario(profile, with_profile(profile), 'peer',
                             start={'srtpProfiles': [profile]}))
    return all_ + echoes.scenarios(Scenario) + whip.scenarios(Scenario)
