"""Writes how much of src/ ran into PAGE, between two markers, and prints what did not run: report.py LCOV PAGE

Lines of tests beside the code don't count: those of files named for them, and those below `mod tests`.
"""

import collections
import os
import sys

BEGIN, END = "<!-- make coverage writes this -->\n", "<!-- until here -->\n"


def main(lcov, page):
    modules = collections.defaultdict(lambda: [0, 0])
    for path, lines in sorted(read(lcov).items()):
        counted = {line: count for line, count in lines.items() if line < tests_begin(path)}
        module = modules[os.path.dirname(path)]
        module[0] += len(counted)
        module[1] += sum(count > 0 for count in counted.values())
        for first, last in ranges(counted):
            print(f"{path}:{first}" + (f"-{last}" if last > first else ""))
    modules["src/**"] = [sum(column) for column in zip(*modules.values())]
    table = "| module | lines | run by tests | share |\n|---|---|---|---|\n"
    for name, (lines, run) in sorted(modules.items()):
        table += f"| `{name}` | {lines:,} | {run:,} | {100 * run / lines:.1f} % |\n"
    with open(page, encoding="utf-8") as file:
        before, rest = file.read().split(BEGIN)
    after = rest.split(END, 1)[1]
    with open(page, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + table + END + after)


def read(lcov):
    """A file under src/ -> a line -> how often it ran."""
    files = collections.defaultdict(dict)
    with open(lcov, encoding="utf-8") as file:
        for record in file:
            kind, _, text = record.strip().partition(":")
            if kind == "SF":
                lines = files[os.path.relpath(text)]
            elif kind == "DA":
                line, count = map(int, text.split(",")[:2])
                lines[line] = max(count, lines.get(line, 0))
    return {path: lines for path, lines in files.items() if "/test" not in path}


def tests_begin(path):
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("mod tests"):
                return number
    return sys.maxsize


def ranges(lines):
    """Runs of lines with count 0, as first and last; lines without code don't interrupt."""
    run = None
    for line, count in sorted(lines.items()):
        if count:
            if run:
                yield run
            run = None
        else:
            run = (run[0], line) if run else (line, line)
    if run:
        yield run


main(*sys.argv[1:])
