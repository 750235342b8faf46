"""Ends five connections with Python's `socket`. The test at the other end watches how."""

import socket
import struct
import sys
import time


def connection():
    return socket.create_connection(("127.0.0.1", int(sys.argv[1])))


def told(s):
    """Waits for the test's word, and leaves what follows it unread."""
    s.recv(1)


# Bytes that nobody has read
s = connection()
told(s)
time.sleep(0.1)
s.close()

# Abort
s = connection()
told(s)
s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
s.close()

# Half-close, and read on
s = connection()
told(s)
s.shutdown(socket.SHUT_WR)
print("sockets", len(s.recv(100)), flush=True)
s.close()

# The peer closes, and the program only reads
s = connection()
told(s)
while s.recv(100):
    pass
time.sleep(1.6)
s.close()

# The process ends
s = connection()
told(s)
