// A client that watches its idle connection.
import net from "node:net";

const LIMIT = 55_000; // milliseconds: shorter than the server's limit

const socket = net.connect(Number(process.argv[2]), "127.0.0.1");
socket.write("hello\n"); // waits for the connection
socket.setTimeout(LIMIT, () => {
  console.log("idle for too long");
  socket.end();
});
// Without a reader there is no "end": a paused socket sees no FIN.
socket.on("data", (bytes) => console.log(String(bytes).trim()));
// allowHalfOpen is false, so Node sends its own FIN after this.
socket.on("end", () => console.log("the server has closed"));
socket.on("error", (error) => console.log(error.code));
socket.on("close", () => console.log("closed"));
