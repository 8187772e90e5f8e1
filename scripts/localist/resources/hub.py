"""Files of a model hub repository at one commit, each checked against what the hub says of it."""

import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from localist.plumbing.errors import UserError
from localist.plumbing.files import sha256_of

logger = logging.getLogger(__name__)

PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".h5", ".msgpack", ".ot")
_SIDE_FILES = re.compile(r"[\w][\w.+-]*\.(json|txt|model|jinja)")
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
DATA = (".parquet", ".arrow", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".md", ".html", ".pdf", ".epub", ".docx")
_OTHER_FORMATS = {"onnx", "openvino", "original", "coreml", "tflite"}


def go_online() -> None:
    """Let this process reach the hub although jobs run with HF_HUB_OFFLINE=1.

    huggingface_hub reads the variable once, when it is imported; call this before.
    """
    os.environ["HF_HUB_OFFLINE"] = "0"


def wanted_files(names: Iterable[str], nested: bool) -> list[str]:
    """Choose what a transformers model (or, `nested`, a sentence encoder) needs of a repository's files.

    Configuration, tokenizer and whole-model safetensors; never code, pickles or other frameworks' weights.
    """
    chosen = []
    for name in sorted(names):
        *folders, last = name.split("/")
        if folders and (not nested or _OTHER_FORMATS & set(folders)):
            continue
        if all(re.fullmatch(r"\w[\w.+-]*", folder) for folder in folders) and (
            _SIDE_FILES.fullmatch(last) or _WEIGHTS.fullmatch(last)
        ):
            chosen.append(name)
    if "model.safetensors" in chosen:  # the same weights in shards would only double the download
        chosen = [name for name in chosen if not re.match(r"model(-\d+-of-\d+\.safetensors|.+index\.json)", name)]
    return chosen


def download(hub: Mapping[str, str], folder: Path, nested: bool = False) -> None:
    """Fetch the wanted files of the model `hub` (id, revision) into `folder`; HF_ENDPOINT names another hub.

    Every file is compared with its checksum before anything opens it. Raises UserError for whatever the user, the
    network or the repository can be the cause of.
    """

    def choose(names: Iterable[str]) -> list[str]:
        chosen = wanted_files(names, nested)
        _check_weights(hub["id"], names, chosen)
        return chosen

    _download(hub, folder, "model", choose)


def download_data_set(hub: Mapping[str, Any], folder: Path) -> None:
    """Fetch the data files of the data set `hub` (id, revision, patterns in `files`), as download does for a model."""
    _download(hub, folder, "dataset", lambda names: data_files(names, hub))


def data_files(names: Iterable[str], hub: Mapping[str, Any]) -> list[str]:
    """The data files of a data set: those that match one of `hub.files`, else all of a kind that is read here."""
    patterns = hub.get("files")
    chosen = [
        name
        for name in sorted(names)
        if not any(part.startswith(".") for part in name.split("/"))
        and (any(fnmatch(name, one) for one in patterns) if patterns else name.endswith(DATA) and name != "README.md")
    ]
    if not chosen:
        what = f"that matches {', '.join(patterns)}" if patterns else f"of a kind that is read here ({', '.join(DATA)})"
        raise UserError(f"{hub['id']} has no file {what}. Name the data files in corpus.source.hub.files.")
    return chosen


def _download(hub: Mapping[str, Any], folder: Path, kind: str, choose: Callable[[list[str]], list[str]]) -> None:
    repository, revision = hub["id"], hub.get("revision")
    if not re.fullmatch(r"[0-9a-f]{40}", str(revision or "")):
        raise UserError(
            f"hub.revision of {repository} is {revision!r}; it must be a commit's 40 hexadecimal digits "
            "(see the repository's list of commits)."
        )
    from huggingface_hub import HfApi, constants

    if constants.is_offline_mode():
        raise UserError(
            f"{repository} must come from the hub, but HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is set. "
            "Unset it, or use a source that is a package or a path."
        )
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or constants.ENDPOINT)
    logger.info("Fetching %s at %s from %s.", repository, revision, api.endpoint)
    with _Explained(repository, revision, api.endpoint):
        info = api.repo_info(repository, revision=revision, repo_type=kind, files_metadata=True)
        files = {file.rfilename: file for file in info.siblings or []}
        for name in choose(list(files)):
            api.hf_hub_download(repository, name, revision=revision, repo_type=kind, local_dir=folder)
            _check_file(folder / name, files[name], repository)
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # huggingface_hub's own bookkeeping


def _check_weights(repository: str, files: Iterable[str], names: list[str]) -> None:
    """Refuse a repository in which a folder that is needed has its weights in pickles only, or that has no weights."""
    safe = {_folder(name) for name in names if name.endswith(".safetensors")}
    needed = {_folder(name) for name in names}
    pickles = sorted(name for name in files if name.endswith(PICKLES) and _folder(name) in needed - safe)
    if safe and not pickles:
        return
    found = f"only {', '.join(pickles[:3])}" if pickles else "no weights of a whole model"
    raise UserError(
        f"{repository} has no safetensors weights at this revision ({found}). Choose a revision that has "
        "model.safetensors, or convert the model to safetensors yourself and set `path` to the folder."
    )


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _check_file(path: Path, file: Any, repository: str) -> None:
    """Compare a downloaded file with the hub's LFS sha256 or, for small files, its git blob id."""
    if file.lfs is not None:
        expected, got = file.lfs.sha256, sha256_of(path)
    elif file.blob_id:
        content = path.read_bytes()
        expected, got = file.blob_id, hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    else:
        raise UserError(f"{repository}: the hub gives no checksum of {file.rfilename}, so it cannot be trusted.")
    if got != expected:
        raise UserError(
            f"{repository}: {file.rfilename} does not have the checksum that the hub states: expected {expected}, "
            f"got {got}. The download was damaged or tampered with; it was deleted. Try again."
        )


class _Explained:
    """Context: turns the hub library's exceptions into a UserError with a remedy."""

    def __init__(self, repository: str, revision: str, endpoint: str) -> None:
        self.repository, self.revision, self.endpoint = repository, revision, endpoint

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        message = None if error is None else self._message(error)
        if message:
            raise UserError(message) from error

    def _message(self, error: BaseException) -> str | None:
        from httpx2 import HTTPError
        from huggingface_hub import errors

        if isinstance(error, errors.GatedRepoError):
            return (
                f"{self.repository} is gated: accept its conditions on its page at {self.endpoint}, then log in with "
                "`hf auth login` (or set HF_TOKEN)."
            )
        if isinstance(error, errors.RepositoryNotFoundError):
            return (
                f"The hub {self.endpoint} knows no repository {self.repository!r} (or it is private). "
                "Check hub.id, or log in with `hf auth login`."
            )
        if isinstance(error, errors.RevisionNotFoundError):
            return f"{self.repository} has no revision {self.revision}. Check hub.revision."
        if isinstance(error, errors.HFValidationError):
            return f"hub.id {self.repository!r} is not a repository's name: {error}"
        if isinstance(error, OSError) and str(error).startswith("Consistency check failed"):
            return f"{self.repository}: a file arrived incomplete or with another size. Try again. ({error})"
        if isinstance(error, errors.HfHubHTTPError) and error.response is not None:
            return f"The hub {self.endpoint} answered {error.response.status_code} for {self.repository}. {error}"
        if isinstance(error, HTTPError | errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
            cause = type(error.__cause__ or error).__name__
            return (
                f"The hub {self.endpoint} could not be reached for {self.repository} ({cause}). Check the "
                "network and HF_ENDPOINT, or use a source that is a package or a path."
            )
        return None
