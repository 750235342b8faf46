// Closing with care: end, read on, destroy.
import net from "node:net";

const IDLE = 300, SILENCE = 2_000; // milliseconds

const server = net.createServer({ allowHalfOpen: true }, (socket) => {
  let lingers = false, said = "lingered long enough";
  socket.setTimeout(IDLE);
  socket.on("timeout", () => {
    if (lingers) return void socket.destroy(); // silent for too long
    lingers = true;
    socket.end(); // the FIN: nothing more will come from here
    socket.setTimeout(SILENCE);
    setTimeout(() => socket.destroy(), 30_000).unref(); // in all
  });
  socket.on("data", () => lingers || socket.write("ok\n")); // else thrown away
  socket.on("end", () => {
    said = "the client closed too";
    socket.end();
  });
  socket.on("error", () => {}); // a reset: "close" follows
  socket.on("close", () => console.log(said));
  server.close(); // this example serves one connection
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
