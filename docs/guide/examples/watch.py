"""A client that watches its idle connection."""
import select
import socket
import sys

LIMIT = 55  # seconds: shorter than the server's limit

with socket.create_connection(("127.0.0.1", int(sys.argv[1]))) as conn:
    conn.sendall(b"hello\n")
    print(conn.recv(100).decode().strip())
    # Idle now. A pool watches all its connections with one call.
    readable, _, _ = select.select([conn], [], [], LIMIT)
    if not readable:
        print("idle for too long")
    elif conn.recv(100) == b"":
        print("the server has closed")
    else:
        print("the server spoke out of turn")
print("closed")  # leaving the block has called close()
