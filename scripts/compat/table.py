"""Puts what ran into the table of a file, between its two markers: table.py FILE RESULTS"""

import sys

BEGIN, END = "<!-- make test-compat writes this -->\n", "<!-- until here -->\n"


def main(path, results):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    with open(results, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    rows.sort(key=lambda row: [int(part) for part in row[0].split(".")])
    table = "| Terraform | protocol | cases that passed | this version has no |\n|---|---|---|---|\n"
    for version, protocol, passed, missing in rows:
        table += f"| {version} | {protocol} | {passed} | {missing} |\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + table + END + after)


main(*sys.argv[1:])
