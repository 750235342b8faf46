// Closing with care: shutdownOutput, read on, close.
import java.net.*;

class Linger {
    public static void main(String[] args) throws Exception {
        try (var listener = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            System.out.println(listener.getLocalPort());
            try (var socket = listener.accept()) {
                var in = socket.getInputStream();
                socket.setSoTimeout(300);
                try {
                    while (in.read(new byte[65536]) > 0) socket.getOutputStream().write("ok\n".getBytes());
                } catch (SocketTimeoutException idle) { }
                socket.shutdownOutput(); // the FIN: no more from here
                long end = System.nanoTime() + 30_000_000_000L;
                socket.setSoTimeout(2_000); // for each silence
                try {
                    int bytes = 1;
                    while (bytes > 0 && System.nanoTime() < end) bytes = in.read(new byte[65536]);
                    System.out.println(bytes < 0 ? "the client closed too" : "lingered long enough");
                } catch (java.io.IOException silentOrReset) {
                    System.out.println("lingered long enough");
                }
            }
        }
    }
}
