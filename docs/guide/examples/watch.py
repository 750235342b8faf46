"""A client that watches its idle connection, and closes when the server has."""
import select
import socket
import sys

LIMIT = 55  # seconds: shorter than the server's limit, so that this side closes first

with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as conn:
    conn.sendall(b"hello\n")
    print(conn.recv(100).decode().strip())
    # The connection is idle now. A pool watches all of its connections with one call.
    readable, _, _ = select.select([conn], [], [], LIMIT)
    if not readable:
        print("idle for too long")
    elif conn.recv(100) == b"":
        print("the server has closed")
    else:
        print("the server spoke out of turn")
print("closed")  # leaving the block has called close()
