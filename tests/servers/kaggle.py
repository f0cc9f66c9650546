"""As much of Kaggle's API as ``kagglehub`` uses for models: RPC by POST, blobs by PUT, files by GET."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import unquote

from servers.base import Handler, Server, State

#: Where kagglehub looks with KAGGLE_API_ENVIRONMENT=TEST.
PORT = 7777


@dataclass
class KaggleState(State):
    """Models, their variations' versions, and blobs on the way."""

    models: set[str] = field(default_factory=set)
    versions: dict[str, list[dict[str, bytes]]] = field(default_factory=dict)
    blobs: dict[str, tuple[str, bytearray, int]] = field(default_factory=dict)  # token -> name, data, size
    private: bool = False
    next_page: str = ""


class KaggleHandler(Handler):
    state: KaggleState

    def do_POST(self) -> None:
        if not self.begin():
            return
        method = self.path.rsplit("/", 1)[-1]
        self.request_body = json.loads(self.body or b"{}")
        if not self.signed_in() and (
            self.state.private or not method.startswith(("Get", "List", "Download"))
        ):
            self.fail(401, "unauthenticated")
            return
        getattr(self, f"rpc_{method}")(self.request_body)

    def do_PUT(self) -> None:
        if not self.begin():
            return
        token = self.path.rsplit("/", 1)[-1]
        name, data, size = self.state.blobs[token]
        asked = self.headers.get("Content-Range", "")
        if asked.startswith("bytes */"):  # how much has arrived?
            if len(data) == size:
                self.send_bytes(b"")
            else:
                self.send_bytes(b"", 308, {"Range": f"bytes=0-{len(data) - 1}"} if data else {})
            return
        fault = self.fault()
        if fault is not None and fault.cut_after is not None:
            fault.times -= 1
            data += self.body[: fault.cut_after]
            self.close_connection = True
            self.connection.shutdown(2)
            return
        start = int(asked.removeprefix("bytes ").split("-")[0]) if asked else 0
        assert start == len(data), f"a gap in {name}: has {len(data)}, gets from {start}"
        data += self.body
        self.send_bytes(b"")

    def do_GET(self) -> None:
        if not self.begin():
            return
        key, version, name = (unquote(part) for part in self.path.removeprefix("/files/").rsplit("/", 2))
        data = self.state.versions[unquote(key)][int(version) - 1][name]
        md5 = base64.b64encode(hashlib.md5(data).digest()).decode()
        self.send_file(data, {"x-goog-hash": f"md5={md5}"})

    def fail(self, status: int, message: str) -> None:
        self.send_json({"code": status, "message": message}, status)

    def rpc_GetModel(self, asked: dict[str, str]) -> None:
        if f"{asked['ownerSlug']}/{asked['modelSlug']}" in self.state.models:
            self.send_json({"id": 1, "slug": asked["modelSlug"]})
        else:
            self.fail(404, "no such model")

    def rpc_CreateModel(self, asked: dict[str, str]) -> None:
        assert asked["isPrivate"], "new models are private"
        self.state.models.add(f"{asked['ownerSlug']}/{asked['slug']}")
        self.send_json({"id": 1})

    def rpc_StartBlobUpload(self, asked: dict[str, object]) -> None:
        token = f"blob-{len(self.state.blobs)}"
        self.state.blobs[token] = str(asked["name"]), bytearray(), int(str(asked["contentLength"]))
        host = self.headers["Host"]
        self.send_json({"token": token, "createUrl": f"http://{host}/upload/{token}"})

    def rpc_CreateModelInstance(self, asked: dict[str, object]) -> None:
        body = asked["body"]
        assert isinstance(body, dict)
        key = f"{asked['ownerSlug']}/{asked['modelSlug']}/{body['framework']}/{body['instanceSlug']}"
        if key in self.state.versions:
            # Kaggle reports this conflict within a successful answer.
            self.send_json({"error": "exists", "errorCode": 409})
            return
        self.state.versions[key] = []
        self.add_version(key, body)

    def rpc_CreateModelInstanceVersion(self, asked: dict[str, object]) -> None:
        body = asked["body"]
        assert isinstance(body, dict)
        self.add_version(self.key(asked), body)

    def add_version(self, key: str, body: dict[str, object]) -> None:
        files = body["files"]
        assert isinstance(files, list)
        blobs = [self.state.blobs[file["token"]] for file in files]
        assert all(len(data) == size for _, data, size in blobs), "a blob is incomplete"
        self.state.versions[key].append({name: bytes(data) for name, data, _ in blobs})
        self.send_json({"url": f"/models/{key}/{len(self.state.versions[key])}"})

    def rpc_GetModelInstance(self, asked: dict[str, object]) -> None:
        versions = self.state.versions.get(self.key(asked))
        if versions:
            self.send_json({"versionNumber": len(versions)})
        else:
            self.fail(404, "no such variation")

    def rpc_ListModelInstanceVersionFiles(self, asked: dict[str, object]) -> None:
        versions = self.state.versions.get(self.key(asked), [])
        number = int(str(asked["versionNumber"]))
        if not 1 <= number <= len(versions):
            self.fail(404, "no such version")
            return
        files = [{"name": name, "size": len(data)} for name, data in versions[number - 1].items()]
        self.send_json({"files": files, "nextPageToken": self.state.next_page})

    def rpc_DownloadModelInstanceVersion(self, asked: dict[str, object]) -> None:
        key = self.key(asked).replace("/", "%2F")
        self.send_bytes(b"", 302, {"Location": f"/files/{key}/{asked['versionNumber']}/{asked['path']}"})

    @staticmethod
    def key(asked: dict[str, object]) -> str:
        return f"{asked['ownerSlug']}/{asked['modelSlug']}/{asked['framework']}/{asked['instanceSlug']}"


def kaggle_server() -> Server:
    """A server on the port that kagglehub's TEST environment names."""
    return Server(KaggleHandler, KaggleState(), PORT)
