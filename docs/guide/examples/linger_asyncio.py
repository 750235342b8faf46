"""Closing with care: write_eof, read on, close."""
import asyncio

IDLE, TOTAL = 0.3, 2.0  # seconds; in earnest, up to 30 in all

async def serve(reader, writer):
    try:
        async with asyncio.timeout(IDLE):
            while await reader.readline():
                writer.write(b"ok\n")
    except TimeoutError:
        pass
    writer.write_eof()  # the FIN: nothing more will come from here
    try:
        async with asyncio.timeout(TOTAL):
            while await reader.read(65536):
                pass
        print("the client closed too")
    except OSError:  # TimeoutError is one; a reset is another
        print("lingered long enough")
    writer.close()
    done.set()

async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await done.wait()

done = asyncio.Event()
asyncio.run(main())
