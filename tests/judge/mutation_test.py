"""Sees to it that the judge refuses events that were spoiled, at every place of rooms in
which a lot happens.

Usage: mutation_test.py SIGNING_KEY_FILE EXPORT...
"""

import sys
import unittest

from signedjson.key import read_signing_keys

import mutations
from forger import Forger
from judge import read_export


class MutationTest(unittest.TestCase):
    exports = []
    key = None

    def test_every_event(self):
        for header, pdus in self.exports:
            with self.subTest(version=header["room_version"]):
                self.judge_room(header, pdus)

    def judge_room(self, header, pdus):
        forger = Forger(header, [], self.key)
        refused = 0
        for number, pdu in enumerate(pdus, 1):
            for what, spoiled in mutations.copies(pdu):
                self.refuses(forger, f"event {number}: {what}", spoiled)
            forger.room.accept(pdu)
            if number < 2:
                continue
            for what, forbidden in mutations.events(forger):
                self.refuses(forger, f"behind event {number}: {what}", forbidden)
                refused += 1
        self.assertGreater(refused, 5 * len(pdus))

    def refuses(self, forger, what, text):
        last = forger.room.last
        with self.assertRaises(Exception, msg=what):
            forger.room.accept(text)
        self.assertIs(forger.room.last, last)


if __name__ == "__main__":
    key_file, *paths = sys.argv[1:]
    with open(key_file, encoding="ascii") as lines:
        (MutationTest.key,) = read_signing_keys(lines)
    for path in paths:
        with open(path, encoding="utf-8") as file:
            MutationTest.exports.append(read_export(file.read()))
    unittest.main(argv=sys.argv[:1])
