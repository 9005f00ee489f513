"""The tone and the marker of tests/interop/parley_peer/test_media.hpp, with numpy, and messages."""
import numpy

RATE = 48000


def marker_cells(number):
    bits = [number >> i & 1 for i in (3, 2, 1, 0)]
    return [1, 0, *bits, sum(bits) % 2, 1]


def counter_of(number, video, videos):
    """What a picture counts. Of several videos each keeps to four values of its own."""
    return 4 * video + number % 4 if videos > 1 else number % 16


def with_places(kinds):
    """(kind, of which video, of how many videos) of each of the tracks."""
    return [(kind, kinds[:i].count('video'), kinds.count('video')) for i, kind in enumerate(kinds)]


def draw_picture(number, counter, width=320, height=240):
    """Luma, height by width bytes; the marker holds `counter`."""
    columns, rows = numpy.meshgrid(numpy.arange(width), numpy.arange(height))
    luma = (16 + (columns + rows + 2 * number) // 2 % 200).astype(numpy.uint8)
    cells = numpy.repeat([200 if cell else 40 for cell in marker_cells(counter)], width // 8)
    luma[:height // 8, :] = cells
    return luma


def tone(position, count, hertz=440):
    moments = (numpy.arange(count) + position) / RATE
    return (8000 * numpy.sin(2 * numpy.pi * hertz * moments)).astype(numpy.int16)


class Pictures:
    """Counts pictures and what their markers say."""

    def __init__(self):
        self.frames = self.markers = 0
        self.values = set()

    def add(self, luma):
        self.frames += 1
        height, width = luma.shape
        row = luma[height // 16]
        cells = [int(row[int(width * (i + 0.5) / 8)] > 120) for i in range(8)]
        number = cells[2] * 8 + cells[3] * 4 + cells[4] * 2 + cells[5]
        if marker_cells(number) == cells:
            self.markers += 1
            self.values.add(number)

    def counts(self):
        return {'kind': 'video', 'frames': self.frames, 'markers': self.markers,
                'values': len(self.values), 'seen': sorted(self.values)}


class Tones:
    """Finds the frequency of what is heard, every half second. Mono."""

    def __init__(self):
        self.blocks, self.hertz, self.window = 0, 0.0, []

    def add(self, samples, rate=RATE):
        self.blocks += 1
        self.window.append(samples)
        if sum(map(len, self.window)) < rate / 2:
            return
        sound = numpy.concatenate(self.window).astype(float)
        self.window = []
        strength = numpy.abs(numpy.fft.rfft(sound * numpy.hanning(len(sound))))
        loud = numpy.abs(sound).max() > 500
        self.hertz = float(strength.argmax() * rate / len(sound)) if loud else 0.0

    def counts(self):
        return {'kind': 'audio', 'blocks': self.blocks, 'hertz': self.hertz}


def message(number, size, text):
    if text:
        return ''.join(chr(97 + (i * 7 + number) % 26) for i in range(min(size, 26))).ljust(size, '.')
    return bytes((i * 31 + number * 7) & 255 for i in range(size))


def compare(sent, received):
    left, wrong, reordered = list(sent), 0, 0
    for back in received:
        at = next((i for i, one in enumerate(left) if type(one) is type(back) and one == back), None)
        if at is None:
            wrong += 1
            continue
        reordered += at > 0
        left.pop(at)
    return {'sent': len(sent), 'back': len(received), 'wrong': wrong, 'reordered': reordered}
