"""Judges what browsers and parley counted in a call on a path without loss."""
import time

from call import stat


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
        check(video.get('framesDropped', 0) <= 5, f"video: dropped {video.get('framesDropped')}", pace=True)
        check(video.get('freezeCount', 0) == 0, f"video: {video.get('freezeCount')} freezes", pace=True)
        check(video.get('pliCount', 0) <= 1, f"video: {video.get('pliCount')} PLIs")
        delay = 1000 * video.get('jitterBufferDelay', 0) / max(1, video.get('jitterBufferEmittedCount', 1))
        check(delay < 150, f'video: jitter buffer of {delay:.0f} ms', pace=True)
        call.notes.append(f"{video.get('framesPerSecond', 0):.0f} fps")
    audio = stat(stats, 'inbound-rtp', kind='audio')
    samples = max(1, audio.get('totalSamplesReceived', 1))
    concealed = audio.get('concealedSamples', 0) / samples
    check(concealed < 0.05, f'audio: {100 * concealed:.0f} % concealed', pace=True)
    check(audio.get('packetsDiscarded', 0) == 0,
          f"audio: {audio.get('packetsDiscarded')} packets discarded", pace=True)
    delay = 1000 * audio.get('jitterBufferDelay', 0) / max(1, audio.get('jitterBufferEmittedCount', 1))
    # A busy host lets the program that speaks stall, and the buffer follows.
    check(delay < 500, f'audio: jitter buffer of {delay:.0f} ms', pace=True)
