#!/usr/bin/env python3
"""table.py RESULTS...: the table of docs/interop.md from files that `run --results` wrote. One row
per scenario, one column per peer, notes below."""
import sys

from peers import PEERS
from results import Results
from scenarios import scenarios


def markdown(results):
    cells = results.cells
    peers = [name for name in PEERS if any(key[0] == name for key in cells)]
    titles = {cell['peer']: cell['title'] for cell in cells.values()}
    notes = []
    lines = ['| scenario | offers | ' + ' | '.join(titles[peer] for peer in peers) + ' |',
             '|---|---|' + '---|' * len(peers)]
    for scenario in scenarios():
        row = [cells.get((peer, scenario.name, scenario.offerer)) for peer in peers]
        if any(row):
            texts = [text_of(cell, notes) for cell in row]
            lines.append(f"| {scenario.name} | {scenario.offerer} | {' | '.join(texts)} |")
    lines.append('')
    lines += [f'{i}. {title}: {evidence}.' for i, (title, evidence) in enumerate(notes, 1)]
    return '\n'.join([*trees(cells.values()), *lines]) + '\n'


def text_of(cell, notes):
    if not cell:
        return '-'
    if 'cannot' in cell:
        note = cell['title'], cell['cannot']
        if note not in notes:
            notes.append(note)
        return f'no ({notes.index(note) + 1})'
    ms = '' if cell['median'] is None else f", {cell['median']:.0f} ms"
    return f"{cell['passed']}/{cell['runs']}{ms}"


def trees(cells):
    """Says which tree the cells are of."""
    held = [cell for cell in cells if 'runs' in cell]
    if not held:
        return []
    commits = {}
    for cell in held:
        commits.setdefault(cell['commit'], []).append(cell)
    told = [f"{len(some)} cells of {commit} ({min(c['date'] for c in some)} to {max(c['date'] for c in some)}, "
            f"load up to {max(c['load'] for c in some):.1f})" for commit, some in commits.items()]
    calls, passed = sum(c['runs'] for c in held), sum(c['passed'] for c in held)
    return [f"{passed} of {calls} calls passed: {'; '.join(told)}.", '']


def main():
    results = Results()
    for path in sys.argv[1:]:
        results.add(Results(path).cells.values())
    print(markdown(results), end='')


if __name__ == '__main__':
    main()
