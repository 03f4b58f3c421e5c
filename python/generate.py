#!/usr/bin/env python3
"""Writes losscape/_commands.py: a function a command, from what `losscape list flags --json` says of it.

    python python/generate.py [--check] [PROGRAM]

PROGRAM is the program, else that of LOSSCAPE_BINARY, else the one on the path. With --check nothing is written, and the exit
code is 1 where the file is not what would be written. tests/cli/python.rs compares the hash of the list.
"""

import hashlib
import json
import keyword
import os
import re
import subprocess
import sys
import textwrap

FILE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "losscape", "_commands.py")
WIDTH = 100

#: Commands that are of no use as functions: `losscape.hessian` is the door to products.
LEFT_OUT = ("completions", "man", "product")
#: Flags that the functions see to themselves, or that are of no use there.
OWN = ("json",)

HEADER = '''"""A function a command. Written by python/generate.py from `losscape list flags --json`: not to be changed by hand."""

from __future__ import annotations

from typing import Any, Dict, List, Literal, Optional, Sequence, Union

from ._call import Command, Data, List_, Network, Paths, Range, Setting, Text, call
from ._result import Result

#: The version of the program that this was written for.
VERSION = "{version}"
#: SHA-256 of the list that this was written from.
LIST = "{digest}"
'''


def python_name(flag):
    """A keyword: `from` is a word of Python's own."""
    name = flag.replace("-", "_")
    return name + "_" if keyword.iskeyword(name) else name


def is_shown(argument):
    return (not argument["hidden"] or argument["heading"] == "Pictures") and argument["name"] not in OWN


def takes(argument):
    return "range" if (argument["takes"], argument["value"]) == ("one", "RANGE") else argument["takes"]


def annotation(argument):
    flag, kind = argument["flag"], argument["type"]
    if flag == "data" or argument["name"] == "data":
        return "Data"
    if flag in ("run", "from", "to", "model"):
        return "Network"
    if flag == "loss":
        return "Any"
    if argument["takes"] == "switch":
        return "bool"
    if argument["takes"] == "repeated":
        return "Paths" if kind == "path" else "Union[Setting, Sequence[Setting]]"
    if argument["takes"] == "list":
        return "List_"
    if takes(argument) == "range":
        return "Range"
    if argument["takes"] == "optional":
        return "Union[bool, str, float]"
    if argument["choices"] and len(argument["choices"]) <= 12:
        names = ", ".join(json.dumps(choice["name"]) for choice in argument["choices"])
        return f"Literal[{names}]"
    plain = {"integer": "int", "number": "float", "boolean": "bool", "path": "Text", "text": "Setting"}
    return plain[kind]


def wrapped(text, indent):
    lines = []
    for paragraph in text.split("\n"):
        lines += textwrap.wrap(paragraph, WIDTH, initial_indent=indent, subsequent_indent=indent,
                               break_long_words=False, break_on_hyphens=False) or [""]
    return "\n".join(lines)


def parameter(argument, name):
    """What the docstring says of a keyword: what help says of the flag."""
    kinds = {"switch": "bool", "list": "str or list", "repeated": "one or a list", "range": "str or tuple"}
    kind = kinds.get(takes(argument)) or {"integer": "int", "number": "float", "path": "path"}.get(argument["type"], "str")
    help = argument["help"] or ""
    if argument["default"] and "[default:" not in help:
        help += f" [default: {argument['default']}]"
    lines = [f"    {name} : {kind}", wrapped(help, " " * 8)]
    for choice in argument["choices"]:
        said = f": {choice['help']}" if choice["help"] else ""
        lines.append(wrapped(f"- {choice['name']}{said}", " " * 8))
    return "\n".join(lines)


def function(name, command):
    """The function of a command, and the line that says how its keywords become flags."""
    shown = [a for a in command["arguments"] if is_shown(a)]
    # `--run model.pt2` is `--model model.pt2` where a network is trained.
    shown += [{**a, "name": other, "flag": other, "help": f"the same as `{a['flag']}`", "choices": [], "default": ""}
              for a in shown for other in a["also"]]
    positional = [a for a in shown if not a["flag"]]
    flags = [a for a in shown if a["flag"]]
    names = {a["name"]: python_name(a["flag"] or a["name"]) for a in shown}
    out = next((a for a in flags if a["flag"] == "out"), None)
    if out:
        found = re.search(r"\[default: ([^\s\]]+)\]", out["help"])
        out = found.group(1) if found else f"out/{name}"
    has_json = any(a["name"] == "json" for a in command["arguments"])
    quiet = any(a["name"] == "quiet" for a in command["arguments"])
    returns = "Result" if out else "Any" if has_json else "str"

    signature = []
    for a in positional:
        optional = "" if a["required"] else " = None"
        kind = annotation(a) if a["required"] else f"Optional[{annotation(a)}]"
        signature.append(f"{names[a['name']]}: {kind}{optional}")
    if flags:
        signature.append("*")
    for a in flags:
        kind = annotation(a)
        default = "bool = False" if kind == "bool" and a["takes"] == "switch" else f"Optional[{kind}] = None"
        signature.append(f"{names[a['name']]}: {default}")
    documented = "\n".join(parameter(a, names[a["name"]]) for a in shown if not a["hidden"])
    # Examples are laid out, and what stands below them is not.
    lines = (command["notes"] or "").split("\n")
    notes = "\n".join("    " + line if line.startswith(" ") else wrapped(line, "    ") for line in lines)
    # Raw, because commands over several lines end in backslashes.
    doc = f'    r"""{command["about"]}\n\n    Parameters\n    ----------\n{documented}\n\n{notes}\n    """'
    doc = re.sub(r"[ \t]+\n", "\n", doc)
    assert '"""' not in doc[8:-3]
    listed = "".join(f"\n    {line}," for line in signature)
    body = f'    return call("{name}", COMMANDS["{name}"], locals())'
    identifier = python_name(name)
    text = f"def {identifier}({listed}\n) -> {returns}:\n{doc}\n{body}\n"
    how = {names[a["name"]]: takes(a) for a in flags}
    places = tuple(names[a["name"]] for a in positional)
    entry = f'    "{name}": Command({how!r}, {places!r}, {out!r}, {has_json!r}, {quiet!r}),'
    return identifier, text, entry


def generated(program):
    listed = subprocess.run([program, "list", "flags", "--json"], stdout=subprocess.PIPE, check=True).stdout
    version = subprocess.run([program, "--version"], stdout=subprocess.PIPE, check=True).stdout.decode().split()[-1]
    commands = json.loads(listed)["flags"]
    made = [(name, function(name, command)) for name, command in commands.items()]
    text = HEADER.format(version=version, digest=hashlib.sha256(listed).hexdigest())
    names = sorted(parts[0] for name, parts in made if name not in LEFT_OUT)
    text += "\n__all__ = [\n" + "".join(f'    "{name}",\n' for name in names) + "]\n"
    text += "\n#: How the keywords of each command become its flags.\nCOMMANDS: Dict[str, Command] = {\n"
    text += "\n".join(parts[2] for _, parts in made) + "\n}\n"
    return text + "".join(f"\n\n{parts[1]}" for name, parts in made if name not in LEFT_OUT)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--check"]
    program = arguments[0] if arguments else os.environ.get("LOSSCAPE_BINARY", "losscape")
    text = generated(program)
    if "--check" in sys.argv:
        with open(FILE, encoding="utf-8") as file:
            if file.read() != text:
                sys.exit(f"{FILE} is not current: run python/generate.py")
        return
    with open(FILE, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
