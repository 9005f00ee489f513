"""Programs that make calls: requests to their standard input, replies from their standard output,
one JSON line each."""
import json
import subprocess
import threading
import time


class Failed(Exception):
    """An agent said no, or nothing."""


class Agent:
    """One program at one end of a call. `name` stands in messages."""

    def __init__(self, name, command, env=None, log=None):
        self.name, self.log = name, log
        self.replies = {}
        self.begun = time.monotonic()
        # What was asked, when and for how long (in ms), for who looks into a call.
        self.requests = []
        self.news = threading.Condition()
        self.last = 0
        self.ended = False
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=log or subprocess.DEVNULL, env=env)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.process.stdout:
            try:
                reply = json.loads(line)
            except ValueError:
                # Libraries print what they like.
                if self.log:
                    print(line.decode(errors='replace'), end='', file=self.log)
                continue
            if not isinstance(reply, dict):
                continue
            with self.news:
                self.replies[reply.get('id')] = reply
                self.news.notify_all()
        with self.news:
            self.ended = True
            self.news.notify_all()

    def begin(self, do, **arguments):
        """Sends a request; its number is for `finish`."""
        self.last += 1
        line = json.dumps({'id': self.last, 'do': do, **arguments})
        try:
            self.process.stdin.write(line.encode() + b'\n')
            self.process.stdin.flush()
        except OSError:
            raise Failed(f'{self.name} has ended') from None
        return self.last, do, arguments.get('seconds', 8), time.monotonic()

    def finish(self, request):
        number, do, seconds, asked = request
        end = time.monotonic() + seconds + 10
        with self.news:
            while number not in self.replies and not self.ended:
                if not self.news.wait(end - time.monotonic()):
                    raise Failed(f'{self.name} does not answer {do}')
            if number not in self.replies:
                raise Failed(f'{self.name} ended during {do}')
            reply = self.replies.pop(number)
        self.requests.append((do, round(1000 * (asked - self.begun)),
                              round(1000 * (time.monotonic() - asked), 1)))
        if reply.get('error'):
            raise Failed(f"{self.name}: {do}: {reply['error']}")
        return reply

    def ask(self, do, **arguments):
        return self.finish(self.begin(do, **arguments))

    def stop(self):
        """Ends the program; its exit code, or None when it had to be killed."""
        try:
            self.process.stdin.close()
        except OSError:
            pass
        try:
            return self.process.wait(8)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
