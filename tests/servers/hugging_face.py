"""As much of the Hugging Face Hub as ``huggingface_hub`` uses to commit a folder and to fetch a snapshot."""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import json
import re
from dataclasses import dataclass, field
from urllib.parse import unquote

from servers.base import Handler, Server, State


@dataclass
class HuggingFaceState(State):
    """Repositories as lists of commits, each a mapping of file names to bytes; and LFS objects."""

    repos: dict[str, list[dict[str, bytes]]] = field(default_factory=dict)  # "models/owner/name" -> commits
    objects: dict[str, bytes] = field(default_factory=dict)  # sha256 -> data
    private: bool = False

    def commit(self, key: str, number: int) -> str:
        """The id of a commit: forty hexadecimal digits."""
        return hashlib.sha1(f"{key} {number}".encode()).hexdigest()

    def find(self, key: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """A commit's id and files by branch or id."""
        commits = self.repos.get(key)
        if not commits:
            return None
        if revision == "main":
            return self.commit(key, len(commits) - 1), commits[-1]
        return next(
            ((revision, files) for n, files in enumerate(commits) if self.commit(key, n) == revision), None
        )


class HuggingFaceHandler(Handler):
    state: HuggingFaceState

    def do_POST(self) -> None:
        if not self.begin():
            return
        if not self.signed_in():
            self.send_json({"error": "Unauthorized"}, 401)
            return
        path = self.path.split("?")[0]
        if path == "/api/repos/create":
            asked = json.loads(self.body)
            key = f"{asked.get('type', 'model')}s/{asked.get('organization') or 'owner'}/{asked['name']}"
            existed = key in self.state.repos
            self.state.repos.setdefault(key, [{".gitattributes": b"*.onnx filter=lfs\n"}])
            url = f"http://{self.headers['Host']}/{key.removeprefix('models/')}"
            self.send_json({"url": url, "name": asked["name"]}, 409 if existed else 200)
        elif path == "/api/validate-yaml":
            self.send_json({"errors": [], "warnings": []})
        elif match := re.fullmatch(r"/api/(\w+/[^/]+/[^/]+)/preupload/(.+)", path):
            files = json.loads(self.body)["files"]
            answers = [
                {
                    "path": file["path"],
                    "uploadMode": "lfs" if fnmatch.fnmatch(file["path"], "*.onnx") else "regular",
                    "shouldIgnore": False,
                    "oid": None,
                }
                for file in files
            ]
            self.send_json({"files": answers})
        elif re.fullmatch(r"/(.+)\.git/info/lfs/objects/batch", path):
            host = self.headers["Host"]
            objects = [
                {
                    "oid": wanted["oid"],
                    "size": wanted["size"],
                    "actions": {"upload": {"href": f"http://{host}/lfs/{wanted['oid']}", "header": {}}},
                }
                for wanted in json.loads(self.body)["objects"]
            ]
            self.send_json({"transfer": "basic", "objects": objects})
        elif match := re.fullmatch(r"/api/(\w+/[^/]+/[^/]+)/commit/(.+)", path):
            self.commit(match[1])
        else:
            self.send_json({"error": f"no route {path}"}, 404)

    def do_PUT(self) -> None:
        if not self.begin():
            return
        oid = self.path.rsplit("/", 1)[-1]
        assert hashlib.sha256(self.body).hexdigest() == oid
        self.state.objects[oid] = self.body
        self.send_bytes(b"")

    def do_GET(self) -> None:
        if not self.begin():
            return
        if self.state.private and not self.signed_in():
            self.send_json({"error": "Unauthorized"}, 401, {"X-Error-Code": "RepoNotFound"})
            return
        path = unquote(self.path.split("?")[0])
        if match := re.fullmatch(r"/api/(\w+/[^/]+/[^/]+)(?:/revision/(.+))?", path):
            self.with_commit(match[1], match[2] or "main", self.send_info)
        elif match := re.fullmatch(r"/api/(\w+/[^/]+/[^/]+)/tree/(.+?)/?", path):
            self.with_commit(match[1], match[2], self.send_tree)
        elif match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            key, revision, name = f"models/{match[1]}", match[2], match[3]
            self.with_commit(key, revision, lambda _, commit, files: self.send_resolved(commit, files, name))
        else:
            self.send_json({"error": f"no route {path}"}, 404)

    do_HEAD = do_GET

    def with_commit(self, key: str, revision: str, send: object) -> None:
        found = self.state.find(key, revision)
        if found is None:
            missing = "RevisionNotFound" if key in self.state.repos else "RepoNotFound"
            self.send_json({"error": "not found"}, 404, {"X-Error-Code": missing})
            return
        assert callable(send)
        send(key, *found)

    def send_info(self, key: str, commit: str, files: dict[str, bytes]) -> None:
        name = key.split("/", 1)[1]
        self.send_json({"id": name, "sha": commit, "siblings": [{"rfilename": name} for name in files]})

    def send_tree(self, key: str, commit: str, files: dict[str, bytes]) -> None:
        entries = []
        for name, data in files.items():
            entry: dict[str, object] = {"type": "file", "path": name, "size": len(data)}
            entry["oid"] = hashlib.sha1(data).hexdigest()
            if name.endswith(".onnx"):
                digest = hashlib.sha256(data).hexdigest()
                entry["lfs"] = {"oid": digest, "size": len(data), "pointerSize": 130}
            entries.append(entry)
        self.send_json(entries)

    def send_resolved(self, commit: str, files: dict[str, bytes], name: str) -> None:
        if name not in files:
            self.send_json({"error": "no file"}, 404, {"X-Error-Code": "EntryNotFound"})
            return
        digest = hashlib.sha256(files[name]).hexdigest()
        self.send_file(files[name], {"ETag": f'"{digest}"', "X-Repo-Commit": commit})

    def commit(self, key: str) -> None:
        files = dict(self.state.repos[key][-1])
        for line in self.body.splitlines():
            item = json.loads(line)
            value = item["value"]
            match item["key"]:
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    files[value["path"]] = self.state.objects[value["oid"]]
                case "deletedFile":
                    files.pop(value["path"], None)
        self.state.repos[key].append(files)
        commit = self.state.commit(key, len(self.state.repos[key]) - 1)
        url = f"http://{self.headers['Host']}/{key.removeprefix('models/')}/commit/{commit}"
        self.send_json({"commitUrl": url, "commitOid": commit})


def hugging_face_server() -> Server:
    """A server on a free port, for HF_ENDPOINT."""
    return Server(HuggingFaceHandler, HuggingFaceState())
