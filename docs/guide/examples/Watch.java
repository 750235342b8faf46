// A client that watches its idle connection.
import java.net.*;

class Watch {
    static final int LIMIT = 55_000; // ms: less than the server's

    public static void main(String[] args) throws Exception {
        try (var socket = new Socket("127.0.0.1", Integer.parseInt(args[0]))) {
            socket.getOutputStream().write("hello\n".getBytes());
            var in = socket.getInputStream();
            System.out.print(new String(in.readNBytes(3)));
            socket.setSoTimeout(LIMIT);
            // The watch: a waiting read. A pool would use one Selector.
            System.out.println(in.read() < 0 ? "the server has closed" : "the server spoke out of turn");
        } catch (SocketTimeoutException e) {
            System.out.println("idle for too long");
        }
        System.out.println("closed"); // leaving the try block has called close()
    }
}
