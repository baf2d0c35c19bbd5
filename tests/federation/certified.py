"""npm oidc-provider as processes of their own: certified, and written by people who never saw the portal."""

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

SOURCE = Path(__file__).parent / "idp"
FILES = ("package.json", "package-lock.json", ".npmrc")
CACHE = Path(__file__).resolve().parents[2] / "var" / "test-idp"
CLIENT, SECRET = "the-portal", "a secret of the portal and oidc-provider"
SFA, MFA = "https://refeds.org/profile/sfa", "https://refeds.org/profile/mfa"
SAME_SUB, TWIN = "http://cilogon.example/serverA/users/1001", "HTTP://cilogon.example/serverA/users/1001"
NORTHERN, SOUTHERN = "https://idp.northern.example/shibboleth", "https://idp.southern.example/shibboleth"
UNLISTED = "https://idp.unlisted.example/shibboleth"
IAP = "https://refeds.org/assurance/IAP/"

Personas = Mapping[str, Mapping[str, Any]]


def _at(entity: str, name: str, mail: str, **more: Any) -> dict[str, Any]:
    return {"idp": entity, "name": name, "email": mail, "email_verified": True, "eppn": mail, **more}


# Subject -> claims. Priya is the PI, Ruth the reviewer, Uma the student; of Nils no affiliation is released.
NORTH: Personas = {
    SAME_SUB: _at(
        NORTHERN,
        "Priya Nair",
        "priya@northern.example",
        affiliation="faculty@northern.example;member@northern.example",
        eduperson_assurance=[IAP + "medium", IAP + "low"],
    ),
    "uma": _at(NORTHERN, "Uma Lind", "uma@northern.example", affiliation="student@northern.example"),
    "nils": _at(NORTHERN, "Nils Holm", "nils@northern.example"),
    "xenia": _at(UNLISTED, "Xenia Far", "xenia@unlisted.example", affiliation="faculty@unlisted.example"),
    "vera": _at(
        NORTHERN, "Vera Vague", "vera@mail.example", affiliation="faculty@mit.edu;staff@northern.example"
    ),
}
SOUTH: Personas = {
    SAME_SUB: _at(SOUTHERN, "Ruth Okafor", "ruth@southern.example", affiliation="member@southern.example"),
    TWIN: _at(SOUTHERN, "Rita Okafor", "rita@southern.example", affiliation="member@southern.example"),
}


def node() -> str:
    """Node's program; empty when this machine has none."""
    return (shutil.which("node") or "") if shutil.which("npm") else ""


@dataclass(frozen=True, slots=True)
class Certified:
    name: str
    issuer: str
    process: "subprocess.Popen[str]"

    def rotate(self) -> None:
        requests.post(f"{self.issuer}/control/rotate", timeout=10).raise_for_status()

    def tell(self, portal: str) -> None:
        """From now on this portal is told of log-outs; who was logged in there is not any more."""
        address = f"{portal}/login/{self.name}/logged-out"
        requests.post(f"{self.issuer}/control/tell", address, timeout=10).raise_for_status()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)


def install(source: Path = SOURCE, program: str = "provider.mjs") -> Path:
    """A folder with the program in it, made by one `npm ci` for each state of the lock file."""
    state = hashlib.sha256(b"".join((source / name).read_bytes() for name in FILES)).hexdigest()
    folder = CACHE / state[:12]
    if not (folder / "ready").exists():
        making = CACHE / f"{state[:12]}.{os.getpid()}"
        making.mkdir(parents=True)
        for name in FILES:
            shutil.copy(source / name, making / name)
        subprocess.run(["npm", "ci", "--silent"], cwd=making, check=True, timeout=300)
        (making / "ready").touch()
        _put(making, folder)
    shutil.copy(source / program, folder / program)
    return folder


def _put(making: Path, folder: Path) -> None:
    """Another test process may have been quicker; then its folder is as good."""
    try:
        making.rename(folder)
    except OSError:
        shutil.rmtree(making)


@contextmanager
def running(name: str, personas: Personas, folder: Path, **more: Any) -> Iterator[Certified]:
    """`more`: `conform` (claims from userinfo alone) and `alg` (of id tokens)."""
    redirects = [f"http://{host}/login/{name}/callback" for host in ("127.0.0.1", "localhost")]
    client = {"id": CLIENT, "secret": SECRET, "redirect_uris": redirects}
    options = json.dumps({"name": name, "personas": personas, "client": client, **more})
    with (folder / f"{name}.{os.getpid()}.log").open("w") as log:
        process = subprocess.Popen(
            [node(), str(install() / "provider.mjs")],
            env={**os.environ, "IDP_OPTIONS": options},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        with process:
            try:
                yield Certified(name, _issuer(process), process)
            finally:
                process.kill()


def _issuer(process: "subprocess.Popen[str]") -> str:
    """From its one line of JSON; a program that dies first ends its output."""
    assert process.stdout is not None
    told = next((line for line in process.stdout if line.startswith("{")), "")
    assert told, "the identity provider did not start"
    return str(json.loads(told)["issuer"])
