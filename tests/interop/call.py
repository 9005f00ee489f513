"""One call between parley and a peer: what both ends are told and what is counted."""
import random
import time

from agent import Failed


class Call:
    """One call between the agent `parley` and the agent `peer`."""

    def __init__(self, scenario, parley, peer, about):
        self.scenario = scenario
        self.parley, self.peer, self.about = parley, peer, about
        self.failed = []
        self.faults = 0  # of what failed, that which no busy host explains
        self.connect_ms = None
        self.notes = []
        self.record = {}
        options = {'decode': scenario.mode == 'decode' or about.echoes_rtp, **scenario.start}
        if 'loss' in options:
            # Other datagrams are lost each time; the record tells how to lose the same again.
            options['seed'] = self.record['seed'] = random.randrange(1 << 31)
            options['keyFrames'] = not about.asks_for_key_frames
        if scenario.direction != 'both':
            options['direction'] = 'recvonly' if scenario.direction == 'to parley' else 'sendonly'
        parley.ask('start', **options)
        peer.ask('start', **scenario.start)

    def check(self, condition, text, pace=False):
        """`pace`: a busy host may be the reason."""
        if not condition:
            self.failed.append(text)
            self.faults += not pace
        return condition

    def end(self, who):
        return self.parley if who == 'parley' else self.peer

    def other(self, who):
        return 'peer' if who == 'parley' else 'parley'

    def negotiate(self, offerer, media=(), restart=False, codecs=None):
        """Offer, answer, accept. `media` are the kinds that both ends begin to send, `codecs` those of
        video that the offerer prefers."""
        scenario = self.scenario
        edit = scenario.edit or (lambda sdp, **_: sdp)
        sends = {'parley': True, 'peer': scenario.direction != 'from parley'}
        offer_args = {'media': list(media)} if sends[offerer] else {
            'directions': {'recvonly': list(media)}}
        offer = self.end(offerer).ask('offer', restart=restart, **offer_args,
                                      **({'codecs': codecs} if codecs else self.codec_arguments(offerer)))['sdp']
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

    def media_from(self, seconds, videos, by=('peer', 'parley')):
        """What both ends counted within some seconds, after the first picture of each of so many
        videos was seen `by` those who receive, and how long that was."""
        end = time.monotonic() + 4
        while time.monotonic() < end:
            from_, before = time.monotonic(), self.counts()
            if all(sum(t.get('markers', t.get('frames', 0)) > 0 for t in side if t['kind'] == 'video') >=
                   videos for side, who in zip(before, ('peer', 'parley')) if who in by):
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
        scenario = self.scenario
        kinds = tracks or list(scenario.media)
        receivers = {'to parley': ('parley',), 'from parley': ('peer',)}.get(
            scenario.direction, ('peer', 'parley'))
        echoes, hertz = scenario.mode == 'echo', 440
        if self.about.echoes_rtp:
            # parley sees its own pictures and hears its own tone.
            receivers, echoes, hertz = ('parley',), False, 660
        before, after, seconds = self.media_from(seconds, kinds.count('video'), receivers)
        if 'peer' in receivers:
            self.check_side('the peer', before[0], after[0], kinds, seconds, slack,
                            440 if echoes else 660)
        if 'parley' in receivers:
            self.check_side('parley', before[1], after[1], kinds, seconds, slack,
                            None if echoes else hertz)

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
                           f"{where}: {grown['blocks'] / seconds:.0f} blocks per second", pace=True)
            if hertz is not None and slack == 1.0:
                self.check(abs(track.get('hertz', 0) - hertz) < 20,
                           f"{where}: a tone of {track.get('hertz', 0):.0f} Hz, not {hertz}")
            return
        if 'frames' in grown:
            self.check(grown['frames'] > 12 * slack * seconds,
                       f"{where}: {grown['frames'] / seconds:.0f} pictures per second", pace=True)
        if 'markers' in track:
            looks = grown.get('looks') or grown['frames']
            self.check(grown['markers'] >= 0.8 * slack * looks > 0,
                       f"{where}: {grown['markers']} of {looks} pictures have a marker")
            wanted = 4 if self.scenario.start.get('apart') else 8
            self.check(track['values'] >= wanted, f"{where}: {track['values']} of 16 markers seen",
                       pace=True)

    # --- Ends ---

    def close(self):
        """One end closes, the other sees it within a second."""
        silent = self.about.silent or self.about.echoes_rtp and not self.scenario.data
        closer = 'parley' if silent else self.scenario.closer
        seeing = self.end(self.other(closer))
        from_ = time.monotonic()
        waiting = seeing.begin('gone', seconds=3)
        closing = self.end(closer).begin('close')
        gone = seeing.finish(waiting)
        ms = 1000 * (time.monotonic() - from_)
        self.end(closer).finish(closing)
        self.check(gone['gone'] and ms < 1000,
                   f"closing was not seen within a second ({gone['gone']}, {ms:.0f} ms)",
                   pace=gone['gone'])


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
