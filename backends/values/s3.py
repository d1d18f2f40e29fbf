"""Values as objects of one bucket of an S3-compatible server.

``<prefix><key>`` holds the value. A short one is put by one request, a longer one in parts, which are no
value before all of them are there. No more is asked of the server than every one can do: no metadata, no
conditions, no lists but those of the sweeper.
"""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Self, TypedDict, cast

from gateway.model import BackendError, BackendUnavailable, GatewayError, InvalidRequest, NotFound, shorten

from .base import BLOCK, Stored, ValueStore
from .s3_options import S3Options, read_options

try:
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError
    from urllib3.exceptions import HTTPError
except ImportError as missing:
    raise ImportError(f"{missing}; pip install 'stratusgate[s3]'") from missing

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_KEY = re.compile("[0-9a-f]{32}")
#: The most that S3 takes; a server may take fewer, and says so.
_MOST_PARTS = 10_000
#: No upload takes longer. Amazon dates a value in parts by the beginning of its upload: only this tells that
#: one has been complete for a while.
_LONGEST = timedelta(hours=12)
#: Connections that are kept. A value in many extents has one open for each.
_CONNECTIONS = 64

_GONE = ("NoSuchKey", "404")
_PAST_THE_END = ("InvalidRange", "416")
#: Swift says of a container's quota that the entity is too large; no part of ours is.
_NO_SPACE = ("QuotaExceeded", "EntityTooLarge", "InsufficientStorage", "XMinioStorageFull")
_LATER = ("SlowDown", "RequestTimeout", "OperationAborted", "NoSuchBucket")
_REFUSED = (401, 403)


class S3Store(ValueStore):
    """All values of one bucket, or those below a prefix of it."""

    def __init__(self, options: S3Options) -> None:
        self._options = options
        self._clients = {os.getpid(): _client(options)}

    @classmethod
    def from_options(cls, options: Mapping[str, Any], *, data: str) -> Self:
        read = read_options(options)
        if read.ca_file and not os.access(read.ca_file, os.R_OK):
            raise InvalidRequest(f"{shorten(read.ca_file)} cannot be read", field="ca_file")
        try:
            return cls(read)
        except (BotoCoreError, ValueError, OSError) as error:
            raise InvalidRequest(f"the S3 client cannot be made: {shorten(error)}") from error

    def write(self, blocks: Iterable[bytes]) -> Stored:
        key, size = secrets.token_hex(16), self._options.part_size
        parts = _parts(blocks, size)
        first = next(parts, b"")
        if len(first) == size:
            return Stored(key, self._upload(key, first, parts))
        with _translated():
            self._s3.put_object(**self._at(key), Body=first)
        return Stored(key, len(first))

    def _upload(self, key: str, part: bytes, following: Iterator[bytes]) -> int:
        """Send a value in parts; its size. Nothing is left of one that fails."""
        begun, at = time.monotonic(), self._at(key)
        with _translated():
            upload = self._s3.create_multipart_upload(**at)["UploadId"]
        size = 0
        done: list[CompletedPartTypeDef] = []
        try:
            while part:
                number = len(done) + 1
                if number > _MOST_PARTS:
                    most = _MOST_PARTS * self._options.part_size
                    raise BackendError(f"object store: longer than {most} bytes", reason="no_space")
                with _translated():
                    sent = self._s3.upload_part(**at, UploadId=upload, PartNumber=number, Body=part)
                done.append({"PartNumber": number, "ETag": sent["ETag"]})
                size += len(part)
                part = next(following, b"")
                if time.monotonic() - begun > _LONGEST.total_seconds():
                    raise BackendError(f"object store: an upload of more than {_LONGEST}")
            with _translated():
                self._s3.complete_multipart_upload(**at, UploadId=upload, MultipartUpload={"Parts": done})
        except BaseException:
            with suppress(GatewayError):  # then the sweeper does it
                self._abort(at["Key"], upload)
            raise
        return size

    def _abort(self, key: str, upload: str) -> None:
        """Give up an upload; one that is not there any more is no error."""
        with _translated(), _ignored("NoSuchUpload", "404"):
            self._s3.abort_multipart_upload(Bucket=self._options.bucket, Key=key, UploadId=upload)

    def read(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        if _KEY.fullmatch(key) is None:
            raise NotFound("no such value")
        if length == 0:
            with _translated():
                self._s3.head_object(**self._at(key))
            return iter(())
        end = None if length is None else start + length
        return self._blocks(key, self._opened(key, start, end), start, end)

    def _opened(self, key: str, start: int, end: int | None) -> StreamingBody | None:
        """The bytes from ``start`` to before ``end``; None where the value ends before. Raises NotFound."""
        asked = f"bytes={start}-{'' if end is None else end - 1}"
        with _translated():
            try:
                return self._s3.get_object(**self._at(key), Range=asked)["Body"]
            except ClientError as error:
                if _code(error) not in _PAST_THE_END:
                    raise
                return None

    def _blocks(self, key: str, body: StreamingBody | None, at: int, end: int | None) -> Iterator[bytes]:
        """What is read; where a connection breaks, another one goes on: a value never changes."""
        failures = 0
        while body is not None:
            with closing(body):
                try:
                    block = body.read(BLOCK)
                    while block:
                        yield block
                        at += len(block)
                        block = body.read(BLOCK)
                except (BotoCoreError, HTTPError, OSError) as error:
                    failures += 1
                    if failures >= self._options.attempts:
                        raise _unreachable(error) from error
                else:
                    return
            if at == end:
                return
            body = self._opened(key, at, end)

    def delete(self, key: str) -> None:
        if _KEY.fullmatch(key) is not None:
            with _translated(), _ignored(*_GONE):
                self._s3.delete_object(**self._at(key))

    def keys(self, before: datetime) -> Iterator[str]:
        cut = len(self._options.prefix)
        with _translated():
            for page in self._s3.get_paginator("list_objects_v2").paginate(**self._all()):
                for entry in page.get("Contents", ()):
                    key, in_parts = entry["Key"][cut:], "-" in entry.get("ETag", "")
                    limit = before - _LONGEST if in_parts else before
                    if _KEY.fullmatch(key) is not None and entry["LastModified"] < limit:
                        yield key

    def sweep(self, before: datetime) -> int:
        swept, cut = 0, len(self._options.prefix)
        with _translated():
            for page in self._s3.get_paginator("list_multipart_uploads").paginate(**self._all()):
                for entry in page.get("Uploads", ()):
                    key, upload = entry["Key"], entry["UploadId"]
                    ours = _KEY.fullmatch(key[cut:]) is not None and entry["Initiated"] < before
                    if ours and not self._goes_on(key, upload, before):
                        self._abort(key, upload)
                        swept += 1
        return swept

    def _goes_on(self, key: str, upload: str, before: datetime) -> bool:
        """Whether an upload has got a part since a time."""
        pages = self._s3.get_paginator("list_parts").paginate(
            Bucket=self._options.bucket, Key=key, UploadId=upload
        )
        try:
            return any(part["LastModified"] >= before for page in pages for part in page.get("Parts", ()))
        except ClientError as error:
            if _code(error) != "NoSuchUpload":
                raise
            return True  # it has ended meanwhile, well or badly

    def check(self) -> None:
        """Ask for one key, which tells more of what is wrong than asking for the bucket alone.

        Its message is for the operator: it has the server's own words and the client's, with the URL.
        """
        try:
            with _translated():
                self._s3.list_objects_v2(**self._all(), MaxKeys=1)
        except GatewayError as error:
            said = shorten(error.__cause__ or error, 200)
            raise BackendUnavailable(f"object store, bucket {self._options.bucket}: {said}") from error

    def close(self) -> None:
        for client in self._clients.values():
            client.close()

    @property
    def _s3(self) -> S3Client:
        """The client of this process: a fork must not go on with the connections of the one it is of."""
        client = self._clients.get(os.getpid())
        if client is None:
            client = self._clients[os.getpid()] = _client(self._options)
        return client

    def _at(self, key: str) -> _At:
        return {"Bucket": self._options.bucket, "Key": self._options.prefix + key}

    def _all(self) -> _All:
        return {"Bucket": self._options.bucket, "Prefix": self._options.prefix}


class _At(TypedDict):
    Bucket: str
    Key: str


class _All(TypedDict):
    Bucket: str
    Prefix: str


def _client(options: S3Options) -> S3Client:
    """A client that checks what TLS does not and asks for nothing that only Amazon has.

    Over plain HTTP every part is signed with its SHA-256; over HTTPS the connection sees to it.
    """
    session = boto3.session.Session(
        aws_access_key_id=options.access_key or None,
        aws_secret_access_key=options.secret_key or None,
        region_name=options.region,
    )
    config = Config(
        connect_timeout=options.connect_timeout,
        read_timeout=options.read_timeout,
        retries={"mode": "standard", "total_max_attempts": options.attempts},
        max_pool_connections=_CONNECTIONS,
        s3={"addressing_style": "path" if options.path_style else "virtual"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    return session.client(
        "s3",
        endpoint_url=options.endpoint or None,
        verify=(options.ca_file or True) if options.verify else False,
        config=config,
    )


def _parts(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """The bytes of all blocks in pieces of ``size``, the last one shorter; each is good until the next.

    They are bytearrays, to copy nothing once more; the client sends any buffer, its stubs know of bytes only.
    """
    part = bytearray()
    for block in blocks:
        with memoryview(block) as view:
            at = 0
            while at < len(view):
                end = at + size - len(part)
                part += view[at:end]
                at = end
                if len(part) == size:
                    yield cast(bytes, part)
                    part.clear()
    if part:
        yield cast(bytes, part)


@contextmanager
def _ignored(*codes: str) -> Iterator[None]:
    """Take these answers of the server for none."""
    try:
        yield
    except ClientError as error:
        if _code(error) not in codes:
            raise


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        raise _of_answer(error) from error
    except (BotoCoreError, HTTPError, OSError) as error:
        raise _unreachable(error) from error


def _unreachable(error: Exception) -> BackendUnavailable:
    """What is told of a failure on the way: its kind alone, as its text has the URL of the server."""
    return BackendUnavailable(f"object store: {type(error).__name__}")


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _of_answer(error: ClientError) -> GatewayError:
    """What an answer of the server means; its code is told, its text may be anything."""
    code, status = _code(error), error.response["ResponseMetadata"]["HTTPStatusCode"]
    told = shorten(code or status)
    if code in _GONE:
        return NotFound("no such value")
    if code in _NO_SPACE or status == 507:
        return BackendError(f"object store: no space left ({told})", reason="no_space")
    if status in _REFUSED:
        return BackendUnavailable(f"object store: access is refused ({told})")
    if code in _LATER or status == 429 or status >= 500:
        return BackendUnavailable(f"object store: {told}")
    return BackendError(f"object store: {told}")
