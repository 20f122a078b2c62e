"""Adds spoiled events to exported rooms, for another server to leave out.

Usage: spoil.py SIGNING_KEY_FILE OUT_DIRECTORY EXPORT...

Writes for each export a JSON file of its name: the header, the PDUs, and "spoiled", the
places of those PDUs that no server may accept.
"""

import json
import pathlib
import sys

from signedjson.key import read_signing_keys

import mutations
from forger import Forger
from judge import read_export

EVERY = 7  # events, behind which some are spoiled


def spoil(header, pdus, key):
    forger = Forger(header, [], key)
    everything, spoiled = [], []
    for number, pdu in enumerate(pdus, 1):
        bad = []
        if number % EVERY == 0:
            # Other content alone makes a redacted copy of the same event.
            bad += [text for what, text in mutations.copies(pdu) if what != "other content"]
        forger.room.accept(pdu)
        if number % EVERY == 0:
            bad += [text for _, text in mutations.events(forger)]
        everything.append(pdu)
        for text in bad:
            spoiled.append(len(everything))
            everything.append(text)
    return {"header": header, "pdus": everything, "spoiled": spoiled}


if __name__ == "__main__":
    key_file, out, *paths = sys.argv[1:]
    with open(key_file, encoding="ascii") as lines:
        (KEY,) = read_signing_keys(lines)
    for path in map(pathlib.Path, paths):
        room = spoil(*read_export(path.read_text(encoding="utf-8")), KEY)
        pathlib.Path(out, path.name).write_text(json.dumps(room), encoding="utf-8")
