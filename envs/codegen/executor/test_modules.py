"""The tables of modules: `python3 -m unittest discover envs/codegen/executor`."""

import sys
import unittest

import modules


class Modules(unittest.TestCase):
    def test_each_module_is_offered_or_left_out_with_a_reason(self):
        tables = (modules.LOADED, modules.STORED, tuple(modules.STUBS), tuple(modules.LEFT_OUT))
        named = [name for table in tables for name in table]
        self.assertEqual(len(named), len(set(named)))
        # Removed from later versions than the one that runs this, or added by them.
        gone = {"cgi", "crypt", "imp", "nis", "ossaudiodev", "pipes", "spwd", "telnetlib", "uu", "xdrlib", "asynchat"}
        gone |= {"asyncore", "smtpd", "distutils", "lib2to3", "aifc", "audioop", "chunk", "cgitb", "imghdr", "mailcap"}
        gone |= {"msilib", "nntplib", "sndhdr", "sunau", "binhex"}
        public = {name for name in sys.stdlib_module_names if not name.startswith("_")} - gone
        self.assertEqual(public - set(named), set())

    def test_a_refusal_has_its_reason(self):
        for name, words in (("socket", "network"), ("numpy.linalg", "standard library"), ("tkinter", "window")):
            self.assertIn(words, modules.refusal(name))


if __name__ == "__main__":
    unittest.main()
