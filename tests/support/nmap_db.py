# SPDX-License-Identifier: GPL-2.0-or-later
"""nmap_db - reads nmap's database of reference prints, and says where an observed print leaves its reference.

A print is a list of tests, (name, {attribute: text}). A reference's text is an expression: alternatives by `|`,
each a literal, a range `a-b` or a bound `>x`, `<x`; numbers are hexadecimal. What only one side has isn't compared.
"""

import collections
import dataclasses
import pathlib
import re

PATH = pathlib.Path("/usr/share/nmap/nmap-os-db")
PACKAGE = "nmap-common"
TEST = re.compile(r"([A-Z0-9]+)\(([^()]*)\)")
RANGE = re.compile(r"([0-9A-F]+)-([0-9A-F]+)")
BOUND = re.compile(r"([<>])([0-9A-F]+)")
NUMBER = re.compile(r"[0-9A-F]+")


class DbError(Exception):
    """One sentence for people."""


@dataclasses.dataclass
class Reference:
    name: str
    line: int
    classes: list = dataclasses.field(default_factory=list)  # (vendor, family, generation, type)
    tests: list = dataclasses.field(default_factory=list)

    def families(self):
        return {(family, generation) for _, family, generation, _ in self.classes}


def tests_in(text):
    """Every test that a text holds, in order; one that a scan saw differently comes twice."""
    return [(name, attributes(inner)) for name, inner in TEST.findall(text)]


def attributes(inner):
    return dict(word.partition("=")[::2] for word in inner.split("%") if word)


def load(path=PATH):
    """{line: Reference}"""
    if not path.exists():
        raise DbError(f"there is no {path}: install the Debian package {PACKAGE}")
    found, current = {}, None
    for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
        word, _, rest = line.partition(" ")
        if word == "Fingerprint":
            current = found[number] = Reference(rest.strip(), number)
        elif word == "Class" and current:
            current.classes.append(tuple(field.strip() for field in rest.split("|")))
        elif current:
            current.tests += tests_in(line) if TEST.match(line) else []
    return found


# ---- expressions ----


def matches_one(value, alternative):
    if value == alternative:
        return True
    bounds = RANGE.fullmatch(alternative) or BOUND.fullmatch(alternative)
    if not bounds or not NUMBER.fullmatch(value):
        return False
    number = int(value, 16)
    if bounds[1] == ">":
        return number > int(bounds[2], 16)
    if bounds[1] == "<":
        return number < int(bounds[2], 16)
    return int(bounds[1], 16) <= number <= int(bounds[2], 16)


def matches(value, expression):
    return any(matches_one(value, alternative) for alternative in expression.split("|"))


# ---- a print against a reference ----


def differences_of_test(name, seen, wanted):
    return [(f"{name}.{a}", seen[a], wanted[a]) for a in seen if a in wanted and not matches(seen[a], wanted[a])]


def differences(observed, reference):
    """[(attribute, observed, wanted)], of each test's best try."""
    tries = collections.defaultdict(list)
    for name, seen in observed:
        tries[name].append(seen)
    found = []
    for name, wanted in reference.tests:
        of_tries = [differences_of_test(name, seen, wanted) for seen in tries[name]]
        found += min(of_tries, key=len, default=[])
    return found


def nearest(observed, references):
    """The reference with the fewest differences, and these."""
    return min(((r, differences(observed, r)) for r in references), key=lambda pair: len(pair[1]))
