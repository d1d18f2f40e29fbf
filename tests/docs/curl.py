"""A stand-in for curl where there is none: the options that the documents use, and its exit status."""

from __future__ import annotations

import argparse
import sys

import requests

REFUSED = 22


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="curl")
    parser.add_argument("-s", "--silent", action="store_true")
    parser.add_argument("-S", "--show-error", action="store_true")
    parser.add_argument("-i", "--include", action="store_true")
    parser.add_argument("-u", "--user", default="")
    parser.add_argument("-X", "--request")
    parser.add_argument("-H", "--header", action="append", default=[])
    parser.add_argument("-o", "--output")
    parser.add_argument("--data-binary")
    parser.add_argument("-T", "--upload-file")
    parser.add_argument("url")
    return parser.parse_args()


def main() -> int:
    options = parsed()
    data = options.data_binary
    if data == "@-" or options.upload_file == "-":
        data = sys.stdin.read()
    user, _, password = options.user.partition(":")
    answer = requests.request(
        options.request or ("PUT" if options.upload_file else "GET" if data is None else "POST"),
        options.url,
        data=None if data is None else data.encode(),
        headers=dict(header.split(": ", 1) for header in options.header),
        auth=(user, password) if user else None,
        timeout=60,
    )
    if options.include:
        print(f"HTTP/1.1 {answer.status_code} {answer.reason}")
        print("".join(f"{header}: {value}\n" for header, value in answer.headers.items()))
    sys.stdout.flush()
    if options.output != "/dev/null":
        sys.stdout.buffer.write(answer.content)
    return REFUSED if answer.status_code >= 400 else 0


if __name__ == "__main__":
    sys.exit(main())
