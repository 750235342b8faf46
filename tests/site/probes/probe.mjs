// Ends five connections with Node's net. The test at the other end watches how.
import { connect } from "node:net";

const connection = () => new Promise((done) => {
  const socket = connect(Number(process.argv[2]), "127.0.0.1");
  socket.on("error", () => {});
  socket.once("data", () => { socket.pause(); done(socket); });
});
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// Bytes that nobody has read
let socket = await connection();
await sleep(100);
socket.destroy();

// Abort
socket = await connection();
socket.resetAndDestroy();

// Half-close, and read on
socket = await connection();
socket.end();
console.log("net", await new Promise((done) => {
  socket.once("data", (data) => done(data.length));
  socket.resume();
}));
socket.destroy();

// The peer closes, and the program only reads
socket = await connection();
socket.resume();
await sleep(2200);
socket.destroy();

// The process ends
await connection();
process.exit();
