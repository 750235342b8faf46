"""Three resets without a fault: close() with bytes unread, SO_LINGER zero, data after close()."""
import socket, struct, sys, time

def peer_error(case):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        a, b = socket.create_connection(listener.getsockname()), listener.accept()[0]
    if case == "bytes unread":
        b.send(b"x")
    if case == "SO_LINGER zero":
        a.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.1)
    a.close()
    time.sleep(0.1)
    if case == "data after close":
        b.send(b"x")
    time.sleep(0.1)
    return b.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
cases = "no cause", "bytes unread", "SO_LINGER zero", "data after close"
errors = [peer_error(case) for case in cases]
for case, error in zip(cases, errors, strict=True):
    print(f"close(), {case}: the peer", f"meets error {error}, a reset" if error else "reads end of file")
sys.exit(None if not errors[0] and all(errors[1:]) else "On this system it is not so.")
