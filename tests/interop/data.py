"""What is asked of data channels."""
import re

from agent import Failed

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
    # What is lost twice takes 9 s of Pion, whose SCTP begins with a timeout of 3 s.
    opened = call.end(opener).ask('opened', labels=labels, seconds=15)
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
        connect_with(call, opener, {kind: KINDS_OF_CHANNEL[kind] for kind in ('reliable', 'unordered')})
        talk(call, opener, 'reliable', [1000] * 100 + [60000], seconds=30)
        talk(call, opener, 'unordered', [1000] * 100 + [60000], seconds=30)
    return body


def lossy_limits(opener):
    """Channels whose messages may be given up."""
    def body(call):
        connect_with(call, opener, KINDS_OF_CHANNEL)
        # Longer than the first timeout of Pion's SCTP, 3 s.
        talk(call, opener, 'no retransmission', [1000] * 100, seconds=6, at_least=10)
        talk(call, opener, 'one second', [1000] * 100, seconds=5, at_least=10)
        # Nothing that was given up holds the others. (What says goodbye may be lost as well.)
        talk(call, opener, 'reliable', [10, 1000], seconds=30)
    return body
