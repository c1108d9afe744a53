#!/usr/bin/python3
"""smtp_front - takes connections on an address as the gateway would and hands them to relaytrap with a PROXY header
that asks for a look, for clients that speak plain SMTP (nmap)."""

import argparse
import asyncio

import smtp_talk


async def pump(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()


async def front(args, reader, writer):
    try:
        relay_reader, relay_writer = await asyncio.open_connection(args.relay, args.relay_port)
        relay_writer.write(smtp_talk.proxy_header(args.look, writer.get_extra_info("peername")[0], args.address))
        client = asyncio.create_task(pump(reader, relay_writer))
        await pump(relay_reader, writer)  # the server's goodbye ends both
        client.cancel()
        relay_writer.close()
    except OSError:
        pass
    writer.close()


async def serve(args):
    server = await asyncio.start_server(lambda r, w: front(args, r, w), args.address, 25)
    async with server:
        await server.serve_forever()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True)
    parser.add_argument("--relay", default="127.0.0.1")
    parser.add_argument("--relay-port", type=int, required=True)
    parser.add_argument("--look", required=True)
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
