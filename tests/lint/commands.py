#!/usr/bin/python3
"""Prints a build's compile_commands.json as clang-tidy is to read it.

Usage: commands.py BUILD_DIR

Each source has a command of its own, also where the build compiles several at
once. None has precompiled headers: Clang has no use for those of GCC, and a
source is to include all that it uses.
"""

import json
import pathlib
import re
import sys

PRECOMPILED = re.compile(r" -Winvalid-pch -include \S*/cmake_pch\.hxx| -fpch-preprocess")
INCLUDED = re.compile(r'^#include "(.*)"$', re.MULTILINE)


def sources(file):
    """The sources that are compiled with a file of CMake's unity builds, or else the file."""
    if re.search(r"/Unity/unity_\d+_cxx\.cxx$", file):
        return INCLUDED.findall(pathlib.Path(file).read_text(encoding="utf-8"))
    return [file]


def by_source(entry):
    """An entry's commands, one for each source."""
    command = PRECOMPILED.sub("", entry["command"])
    for source in sources(entry["file"]):
        yield {
            "directory": entry["directory"],
            "command": command.replace(entry["file"], source),
            "file": source,
        }


def main():
    database = pathlib.Path(sys.argv[1]) / "compile_commands.json"
    entries = json.loads(database.read_text(encoding="utf-8"))
    commands = [command for entry in entries for command in by_source(entry)]
    print(json.dumps(commands, indent=2))


main()
