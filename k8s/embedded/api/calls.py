"""One request on its way through the server, and its reply."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import yaml

from k8s.embedded.access.tokens import Tokens
from k8s.embedded.access.users import User
from k8s.embedded.api import protobuf
from k8s.embedded.objects.errors import ApiError, bad_request
from k8s.embedded.objects.kinds import Kind, Kinds
from k8s.embedded.store import Object, Store

# The C parser is several times faster, where libyaml is there.
YAML = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

JSON = "application/json"


class PodRunner(Protocol):
    """What the server asks of whoever runs the pods."""

    def port_of(self, namespace: str, name: str, container_port: int) -> int | None: ...

    def log_of(self, namespace: str, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class Cluster:
    """What every verb works on."""

    store: Store
    kinds: Kinds
    tokens: Tokens
    certificate: str = ""
    runner: PodRunner | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One request for a kind's endpoint; `name` is empty for a collection."""

    kind: Kind
    method: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    rest: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = ""
    accept: str = ""
    agent: str = ""
    user: User = field(default_factory=lambda: User(""))

    @property
    def dry_run(self) -> bool:
        given = self.query.get("dryRun", "")
        if given not in ("", "All"):
            raise bad_request(f'invalid dryRun value: "{given}"')
        return given == "All"

    @property
    def strict(self) -> bool:
        return self.query.get("fieldValidation") == "Strict"

    @property
    def manager(self) -> str:
        """The field manager; as a real server does, the program's name when none is given."""
        return self.query.get("fieldManager") or self.agent.partition("/")[0] or "unknown"

    def is_true(self, name: str) -> bool:
        return self.query.get(name, "").lower() in ("1", "true")

    def parsed(self) -> Any:
        return parse(self.body)


@dataclass(frozen=True, slots=True)
class Reply:
    """`text` is a whole body; `lines` a stream that ends when the iterator does."""

    code: int = 200
    text: str = ""
    lines: Iterator[str] | None = None
    content_type: str = JSON
    raw: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


def parse(body: bytes) -> Any:
    """JSON or YAML. Raises a 400."""
    if not body:
        return None
    if body.startswith(protobuf.MAGIC):
        return protobuf.decode(body)
    try:
        return json.loads(body)
    except ValueError:
        pass
    try:
        # A loader of plain values only: no tags that build objects.
        return yaml.load(body, Loader=YAML)  # noqa: S506
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise bad_request(f"error decoding the request body: {problem}") from None


def encode(obj: Any) -> str:
    return json.dumps(obj, separators=(",", ":"), ensure_ascii=False)


def reply(obj: Object, code: int = 200) -> Reply:
    return Reply(code, encode(obj))


def refusal(error: ApiError) -> Reply:
    headers = {"Retry-After": "1"} if error.code == 429 else {}
    return Reply(error.code, encode(error.status()), headers=headers)


def success(kind: Kind, meta: Object) -> Reply:
    details = {"name": meta["name"], "group": kind.group, "kind": kind.plural, "uid": meta["uid"]}
    return reply(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Success",
            "details": {key: value for key, value in details.items() if value},
        }
    )
