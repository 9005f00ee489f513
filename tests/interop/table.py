"""The table of docs/interop.md: one row per scenario, one column per peer, notes below."""


def markdown(entries):
    """`entries` are (peer, scenario, offerer, passed, runs, milliseconds or None, evidence or None)."""
    peers, rows, notes = [], {}, []
    for peer, scenario, offerer, passed, runs, ms, evidence in entries:
        if peer not in peers:
            peers.append(peer)
        if evidence:
            if (peer, evidence) not in notes:
                notes.append((peer, evidence))
            text = f'no ({notes.index((peer, evidence)) + 1})'
        else:
            text = f'{passed}/{runs}' + (f', {ms:.0f} ms' if ms is not None else '')
        rows.setdefault((scenario, offerer), {})[peer] = text
    lines = ['| scenario | offers | ' + ' | '.join(peers) + ' |', '|---|---|' + '---|' * len(peers)]
    for (scenario, offerer), row in rows.items():
        lines.append(f'| {scenario} | {offerer} | ' + ' | '.join(row.get(p, '-') for p in peers) + ' |')
    lines.append('')
    lines += [f'{i}. {peer}: {evidence}.' for i, (peer, evidence) in enumerate(notes, 1)]
    return '\n'.join(lines) + '\n'
