"""Ends five connections with asyncio, twice: with streams and with a protocol. The test watches how."""

import asyncio
import os
import sys

PORT = int(sys.argv[1])


async def streams(last):
    async def connection():
        reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
        await reader.readexactly(1)
        return reader, writer

    reader, writer = await connection()
    await asyncio.sleep(0.1)
    writer.close()

    reader, writer = await connection()
    writer.transport.abort()

    reader, writer = await connection()
    writer.write_eof()
    print("streams", len(await reader.read(100)), flush=True)
    writer.close()

    reader, writer = await connection()
    await reader.read()
    await asyncio.sleep(1.6)
    writer.close()

    reader, writer = await connection()
    if last:
        os._exit(0)
    return writer


class Protocol(asyncio.Protocol):
    """Counts what comes, and does nothing when it ends."""

    def __init__(self):
        self.told = asyncio.get_running_loop().create_future()
        self.more = asyncio.get_running_loop().create_future()

    def data_received(self, data):
        if not self.told.done():
            self.told.set_result(None)
        elif not self.more.done():
            self.more.set_result(len(data))


async def protocol():
    async def connection():
        transport, ours = await asyncio.get_running_loop().create_connection(Protocol, "127.0.0.1", PORT)
        await ours.told
        return transport, ours

    transport, ours = await connection()
    await asyncio.sleep(0.1)
    transport.close()

    transport, ours = await connection()
    transport.abort()

    transport, ours = await connection()
    transport.write_eof()
    print("protocol", await ours.more, flush=True)
    transport.close()

    transport, ours = await connection()
    await asyncio.sleep(2.2)
    transport.close()

    await connection()
    os._exit(0)


asyncio.run(streams(last=True) if sys.argv[2] == "streams" else protocol())
