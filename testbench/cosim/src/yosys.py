"""Yosys' command line on the pyosys wheel:  yosys.py [-q] [-l LOG] [-p COMMANDS] [FILE...]

Files are read as SystemVerilog before the commands run. Exit status 1 when a command fails.
"""

import argparse
import ctypes
import os
import sys

arguments = argparse.ArgumentParser(prog="yosys")
arguments.add_argument("-q", dest="quiet", action="store_true", help="print errors only")
arguments.add_argument("-l", dest="log", metavar="LOG", help="write what Yosys prints to this file")
arguments.add_argument("-p", dest="commands", metavar="COMMANDS", default="", help="commands, separated by ';'")
arguments.add_argument("files", metavar="FILE", nargs="*")
options = arguments.parse_args()

# The library prints on the process's standard output, underneath Python's own.
if options.log or options.quiet:
    log = os.open(options.log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(log, 1)

from pyosys import libyosys

design = libyosys.Design()
for file in options.files:
    libyosys.run_pass(f'read_verilog -sv "{file}"', design)
if options.commands:
    libyosys.run_pass(options.commands, design)
# The library prints by C's standard output, whose buffer Python does not know.
sys.stdout.flush()
ctypes.CDLL(None).fflush(None)
# Without the interpreter's tear-down, in which the library's own can fail.
os._exit(0)
