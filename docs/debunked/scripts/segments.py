"""Three segments or four: the peer's FIN may travel with its ACK, if its program closes at once."""
import socket, struct, sys, time

if sys.platform != "linux":
    sys.exit("This script asks TCP_INFO for counts of segments, so it needs Linux.")
def counts(s):  # segments sent and received so far
    return sum(struct.unpack_from("2I", s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 144), 136))
def segments(pause):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        a, b = socket.create_connection(listener.getsockname()), listener.accept()[0]
    before = counts(a)
    b.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
    a.shutdown(socket.SHUT_WR)
    b.recv(1)
    time.sleep(pause)
    b.close()
    a.recv(1)
    time.sleep(0.05)
    return counts(a) - before
print("the peer closes at once: as few as", fast := min(segments(0) for _ in range(20)), "segments")
print("the peer closes half a second later:", slow := segments(0.5), "segments")
sys.exit(None if (fast, slow) == (3, 4) else "On this system it is not so.")
