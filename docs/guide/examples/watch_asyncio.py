"""A client that watches its idle connection."""
import asyncio
import sys

LIMIT = 55  # seconds: shorter than the server's limit

async def main(port):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello\n")
    print((await reader.readline()).decode().strip())
    try:
        async with asyncio.timeout(LIMIT):
            rest = await reader.read(1)  # the watch: a waiting read
        print("the server spoke out of turn" if rest else "the server has closed")
    except TimeoutError:
        print("idle for too long")
    writer.close()
    await writer.wait_closed()
    print("closed")

asyncio.run(main(int(sys.argv[1])))
