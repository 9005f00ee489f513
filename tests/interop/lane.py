#!/usr/bin/env python3
"""lane.py: holds calls one after another, as `run` asks for them on standard input, one JSON line
each. Several lanes work side by side, each in a network of its own."""
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from agent import Agent, Failed
from call import Call
from peers import PARLEY, PEERS, WORK
from scenarios import scenarios

SCENARIOS = {scenario.key: scenario for scenario in scenarios()}


def processor_waits():
    """How long each thread of the programs that this one started was ready to run and did not, in
    seconds."""
    parents = {}
    for stat in Path('/proc').glob('[0-9]*/stat'):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(')')[2].split()[1])
    ours = {os.getpid()}
    while new := {pid for pid, parent in parents.items() if parent in ours} - ours:
        ours |= new
    waits = {}
    for pid in ours - {os.getpid()}:
        for thread in Path(f'/proc/{pid}/task').glob('*/schedstat'):
            with contextlib.suppress(OSError):
                waits[thread.parent.name] = int(thread.read_text().split()[1]) / 1e9
    return waits


def waited(before, after):
    """Summed over the threads that are left: of those that ended nothing can be read."""
    return sum(seconds - before.get(thread, 0) for thread, seconds in after.items())


class Ends:
    """The two programs of a call, started again after one of them was at fault. What they write to standard
    error is kept for as long as a call takes."""

    def __init__(self, about, verbose):
        self.about, self.verbose = about, verbose
        self.arguments = ()
        self.parley = self.peer = None
        self.logs = {name: WORK / f'lane-{os.getpid()}-{name}.log' for name in ('parley', 'peer')}

    def ready(self):
        if not self.parley:
            self.parley = Agent('parley', [str(PARLEY), '--log'], log=self._log('parley'))
        if not self.peer:
            env = {**os.environ, 'PARLEY_NODE_MODULES': str(WORK / 'node_modules')}
            self.peer = Agent(self.about.title, [*self.about.command, *self.arguments], env=env, log=self._log('peer'))
            if self.about.browser:
                # Its first seconds take all processors: no time to look for freezes.
                self.peer.ask('start', seconds=20)
                time.sleep(4)
        return self.parley, self.peer

    def use_arguments(self, arguments):
        """Those of the peer's program, which is started again when they are others."""
        if self.peer and arguments != self.arguments:
            self.peer.stop()
            self.peer = None
        self.arguments = arguments

    def _log(self, name):
        return sys.stderr if self.verbose else open(self.logs[name], 'a', encoding='utf-8')

    def begin_call(self):
        for path in self.logs.values():
            if path.exists():
                os.truncate(path, 0)  # both programs append to theirs
        for agent in self.ready():
            agent.requests.clear()

    def stop(self):
        """Complains when parley does not end properly."""
        code = self.parley.stop() if self.parley else 0
        if self.peer:
            self.peer.stop()
        self.parley = self.peer = None
        return [] if code == 0 else [f'interop_peer ended with {code}']

    def remove_logs(self):
        for path in self.logs.values():
            path.unlink(missing_ok=True)


class Capture:
    """The packets of one call, where tcpdump is there and was asked for."""

    def __init__(self, wanted):
        self.path = WORK / f'lane-{os.getpid()}.pcap'
        self.process = None
        if wanted and shutil.which('tcpdump'):
            self.process = subprocess.Popen(
                ['tcpdump', '-i', 'any', '-U', '-s', '300', '-w', str(self.path), 'udp'],
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(0.2)  # until it listens; nothing tells

    def stop(self):
        if self.process:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait()


IPV4 = ['ip addr add 10.231.0.2/24 dev parley0', 'ip route add default via 10.231.0.1']


def change_addresses(*commands):
    for command in commands:
        subprocess.run(command.split(), check=True)


def hold(scenario, ends):
    """One call: (what was wrong, whether a busy host may be the reason, the call or None)"""
    if scenario.ipv4:
        return hold_here(scenario, ends)
    change_addresses('ip -4 addr flush dev parley0')
    try:
        return hold_here(scenario, ends)
    finally:
        change_addresses(*IPV4)


def hold_here(scenario, ends):
    call = None
    try:
        ends.begin_call()
        call = Call(scenario, ends.parley, ends.peer, ends.about)
        scenario.body(call)
    except Failed as error:
        return [*(call.failed if call else []), str(error)], False, call
    return call.failed, call.faults == 0, call


def keep_record(scenario, ends, failed, call, capture):
    """Writes down what is known about a call: of one that failed everything, under a name of its
    own, of one that passed what was counted."""
    name = f'{ends.about.name}-{scenario.key}'.replace(' ', '-').replace(',', '')
    record = dict(call.record) if call else {}
    record.update(failed=failed, load=os.getloadavg(), requests={
        agent.name: agent.requests for agent in (ends.parley, ends.peer) if agent})
    place = WORK / 'calls' / name
    if failed:
        place = WORK / 'failed' / f"{name}-{time.strftime('%H%M%S')}-{os.getpid()}"
    place.mkdir(parents=True, exist_ok=True)
    (place / 'record.json').write_text(json.dumps(record, indent=1))
    if not failed:
        return None
    for end, path in ends.logs.items():
        if path.exists():
            shutil.copy(path, place / f'{end}.log')
    if capture.process:
        shutil.copy(capture.path, place / 'packets.pcap')
    return str(place)


class Lane:
    def __init__(self):
        self.ends = None

    def change_peer(self, name, verbose):
        if self.ends and self.ends.about.name == name:
            return
        # What it has to say about its end belongs to no call.
        self.end()
        self.ends = Ends(PEERS[name], verbose)

    def version(self, peer, verbose):
        """Of a peer that tells it only when it runs."""
        self.change_peer(peer, verbose)
        return {'version': self.ends.ready()[1].ask('start')['version']}

    def hold(self, peer, scenario, verbose, capture):
        self.change_peer(peer, verbose)
        self.ends.use_arguments(SCENARIOS[scenario].browser if self.ends.about.browser else ())
        self.ends.ready()
        from_, waits = time.monotonic(), processor_waits()
        packets = Capture(capture)
        failed, pace, call = hold(SCENARIOS[scenario], self.ends)
        packets.stop()
        took, starved = time.monotonic() - from_, waited(waits, processor_waits())
        place = keep_record(SCENARIOS[scenario], self.ends, failed, call, packets)
        if failed and not pace:
            failed = failed + self.ends.stop()
        return {'failed': failed, 'ms': call.connect_ms if call else None,
                'notes': call.notes if call else [], 'took': took, 'starved': starved / took, 'pace': pace,
                'place': place}

    def end(self):
        reasons = self.ends.stop() if self.ends else []
        if self.ends:
            self.ends.remove_logs()
        self.ends = None
        return {'reasons': reasons}


def take_precedence():
    """Calls are judged by the clock; they are not to wait for a build beside them. The kernel shares
    the processors out by sessions first, and by processes within them, unless it was told not to."""
    os.setsid()
    try:
        Path('/proc/self/autogroup').write_text('-15')
    except FileNotFoundError:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    except PermissionError:
        pass


def main():
    take_precedence()
    lane = Lane()
    work = {'version': lane.version, 'hold': lane.hold, 'end': lane.end}
    for line in sys.stdin:
        request = json.loads(line)
        number, do, arguments = request['id'], request['do'], request.get('arguments', {})
        try:
            reply = work[do](**arguments)
        except Failed as error:
            reply = {'error': str(error)}
        print(json.dumps({'id': number, **reply}), flush=True)
    lane.end()


main()
