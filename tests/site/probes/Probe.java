// Ends five connections with java.net.Socket or with java.nio's SocketChannel. The test watches how.
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;

class Probe {
    static int port;

    static Socket socket() throws Exception {
        Socket s = new Socket("127.0.0.1", port);
        s.getInputStream().read();
        return s;
    }

    static SocketChannel channel() throws Exception {
        SocketChannel c = SocketChannel.open(new InetSocketAddress("127.0.0.1", port));
        c.read(ByteBuffer.allocate(1));
        return c;
    }

    static void sockets() throws Exception {
        Socket s = socket();
        Thread.sleep(100);
        s.close();

        s = socket();
        s.setSoLinger(true, 0);
        s.close();

        s = socket();
        s.shutdownOutput();
        System.out.println("socket " + s.getInputStream().read(new byte[100]));
        s.close();

        s = socket();
        s.getInputStream().readAllBytes();
        Thread.sleep(1600);
        s.close();

        socket();
        Runtime.getRuntime().halt(0);
    }

    static void channels() throws Exception {
        SocketChannel c = channel();
        Thread.sleep(100);
        c.close();

        c = channel();
        c.setOption(StandardSocketOptions.SO_LINGER, 0);
        c.close();

        c = channel();
        c.shutdownOutput();
        System.out.println("channel " + c.read(ByteBuffer.allocate(100)));
        c.close();

        c = channel();
        while (c.read(ByteBuffer.allocate(100)) >= 0) { }
        Thread.sleep(1600);
        c.close();

        channel();
        Runtime.getRuntime().halt(0);
    }

    public static void main(String[] args) throws Exception {
        port = Integer.parseInt(args[0]);
        if (args[1].equals("socket")) sockets(); else channels();
    }
}
