"""Writes test results into the table of RELIABILITY.md, between its two markers: table.py RESULTS

A line of RESULTS has a version, its protocols, the number of passed cases, and the missing features.
"""

import re
import sys

BEGIN, END = "<!-- make test-compat writes this -->\n", "<!-- until here -->\n"


def main(results):
    with open(results, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    rows.sort(key=lambda row: [int(number) for number in re.findall("[0-9]+", row[0])])
    table = "| Terraform | protocol | cases that passed | not available in this version |\n|---|---|---|---|\n"
    for row in rows:
        table += "".join(f"| {cell} " for cell in row).replace("|  ", "| ") + "|\n"
    with open("RELIABILITY.md", encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END, 1)
    with open("RELIABILITY.md", "w", encoding="utf-8") as file:
        file.write(before + BEGIN + table + END + after)


main(*sys.argv[1:])
