// A client that watches its idle connection, and closes when the server has.
import java.net.*;

class Watch {
    static final int LIMIT = 55_000; // milliseconds: shorter than the server's limit

    public static void main(String[] args) throws Exception {
        try (var socket = new Socket("127.0.0.1", Integer.parseInt(args[0]))) {
            socket.getOutputStream().write("hello\n".getBytes());
            var in = socket.getInputStream();
            System.out.print(new String(in.readNBytes(3)));
            socket.setSoTimeout(LIMIT);
            // A read that is always waiting is the watch. A pool would use one Selector for all.
            System.out.println(in.read() < 0 ? "the server has closed" : "the server spoke out of turn");
        } catch (SocketTimeoutException e) {
            System.out.println("idle for too long");
        }
        System.out.println("closed"); // leaving the try block has called close()
    }
}
