"""Runs a program in a terminal, and prints all that it wrote there.

    terminal.py COLUMNS STOP_AT PROGRAM ARGUMENTS...

When STOP_AT has been written, Ctrl-C is pressed; if STOP_AT is empty, never. Exits as the program does.
"""

import fcntl
import os
import pty
import struct
import sys
import termios

columns, stop_at, program = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    # The key that is pressed is not written behind what the program wrote.
    settings = termios.tcgetattr(0)
    settings[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, settings)
    os.execv(program[0], program)
written, pressed = b"", not stop_at
while True:
    try:
        part = os.read(terminal, 1 << 16)
    except OSError:
        # Linux says so when the last program on the terminal has ended.
        break
    if not part:
        break
    written += part
    if not pressed and stop_at in written:
        os.write(terminal, b"\x03")
        pressed = True
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(written)
sys.stdout.flush()
sys.exit(os.waitstatus_to_exitcode(status))
