"""What calls have shown, cell by cell, over several invocations."""
import json
import os
import statistics
import subprocess
from datetime import datetime

from peers import ROOT


def commit():
    """The commit of the tree, with a + when files of it were changed since."""
    def git(*args):
        return subprocess.run(['git', '-C', str(ROOT), *args], capture_output=True, text=True).stdout
    changed = git('status', '--porcelain', '--untracked-files=no')
    return (git('rev-parse', '--short', 'HEAD').strip() or 'unknown') + ('+' if changed else '')


class Results:
    """Cells by peer, scenario and offerer. Runs of one commit add up; those of another take the
    place of what was there, so that a cell is of one tree. With a path, kept in that file."""

    def __init__(self, path=None):
        self.path, self.cells = path, {}
        if path and os.path.exists(path):
            with open(path, encoding='utf-8') as file:
                self.add(json.load(file))

    def add(self, cells):
        for cell in cells:
            key = cell['peer'], cell['scenario'], cell['offers']
            old = self.cells.get(key)
            if old and 'runs' in old and 'runs' in cell and old['commit'] == cell['commit']:
                cell = merged(old, cell)
            self.cells[key] = cell
        return self

    def keep(self, cell):
        self.add([cell])
        if self.path:
            with open(f'{self.path}.new', 'w', encoding='utf-8') as file:
                json.dump(list(self.cells.values()), file, indent=1)
            os.replace(f'{self.path}.new', self.path)


def cell_of(about, version, scenario):
    return {'peer': about.name, 'title': f'{about.title} {version}', 'scenario': scenario.name,
            'offers': scenario.offerer}


def counted(cell, run_commit, jobs, runs):
    """`cell` with what its `runs` (the replies of a lane) were like."""
    reasons = {}
    for run in runs:
        for reason in run['failed']:
            reasons[reason] = reasons.get(reason, 0) + 1
    return {**cell, **summed(
        runs=len(runs), passed=sum(not run['failed'] for run in runs), reasons=reasons,
        times=[round(run['ms'], 1) for run in runs if run['ms'] is not None]),
        'voids': sum(run['voids'] for run in runs),
        'starved': statistics.median(run['starved'] for run in runs), 'notes': runs[-1]['notes'], 'commit': run_commit, 'jobs': jobs,
        'load': round(os.getloadavg()[0], 1), 'date': datetime.now().isoformat(' ', 'minutes')}


def summed(runs, passed, reasons, times):
    return {'runs': runs, 'passed': passed, 'reasons': reasons, 'times': times,
            'median': statistics.median(times) if times else None,
            'worst': max(times, default=None)}


def merged(old, new):
    reasons = dict(old['reasons'])
    for reason, times in new['reasons'].items():
        reasons[reason] = reasons.get(reason, 0) + times
    return {**new, 'voids': old.get('voids', 0) + new.get('voids', 0), 'load': max(old['load'], new['load']),
            **summed(old['runs'] + new['runs'], old['passed'] + new['passed'], reasons,
                     old['times'] + new['times'])}
