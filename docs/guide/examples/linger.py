"""Closing with care: shutdown, read on, close."""
import socket
import time

IDLE, SILENCE, TOTAL = 0.3, 2.0, 30.0  # seconds

def linger(conn):
    """Read and throw away, until the client closes or a limit is over."""
    end = time.monotonic() + TOTAL
    try:
        conn.shutdown(socket.SHUT_WR)  # the FIN: no more from here
        while (left := end - time.monotonic()) > 0:
            conn.settimeout(min(SILENCE, left))
            if not conn.recv(65536):
                return "the client closed too"
    except OSError:  # silence for too long, or a reset
        pass
    return "lingered long enough"

with socket.create_server(("127.0.0.1", 0)) as listener:
    print(listener.getsockname()[1], flush=True)
    conn, _ = listener.accept()
    with conn:
        conn.settimeout(IDLE)
        try:
            while conn.recv(65536):
                conn.sendall(b"ok\n")
        except TimeoutError:
            pass
        print(linger(conn))
