"""Puts what ran into the tables of README.md and README.zh-CN.md, between their two markers: table.py RESULTS

A line of RESULTS is a version, its protocols, how many cases passed, and what the version has not.
"""

import re
import sys

BEGIN, END = "<!-- make test-compat writes this -->\n", "<!-- until here -->\n"

# What stands in README.md -> what stands in README.zh-CN.md.
CHINESE = {
    "| Terraform | protocol | cases that passed | this version has no |": "| Terraform | 协议 | 通过的用例数 | 该版本没有 |",
    "6, and 5 when forced": "6，也可强制使用 5",
    " of compat/smoke.py": "（compat/smoke.py）",
    "JSON output, preconditions, functions of providers, and more": "JSON 输出、前置条件、provider 函数等",
    "functions of providers": "provider 函数",
    "validations that refer to data": "引用数据的变量校验",
    "ephemeral variables": "临时（ephemeral）变量",
    ", ": "、",
}


def main(results):
    with open(results, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    rows.sort(key=lambda row: [int(number) for number in re.findall("[0-9]+", row[0])])
    head = "| Terraform | protocol | cases that passed | this version has no |"
    write("README.md", head, rows)
    write("README.zh-CN.md", CHINESE[head], [[chinese(cell) for cell in row] for row in rows])


def write(path, head, rows):
    table = head + "\n|---|---|---|---|\n"
    for row in rows:
        table += "".join(f"| {cell} " for cell in row).replace("|  ", "| ") + "|\n"
    with open(path, encoding="utf-8") as file:
        text = file.read()
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    with open(path, "w", encoding="utf-8") as file:
        file.write(before + BEGIN + table + END + after)


def chinese(cell):
    for english, word in CHINESE.items():
        cell = cell.replace(english, word)
    return cell


main(*sys.argv[1:])
