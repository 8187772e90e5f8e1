"""Downloads files of a hub repository at one commit and checks each against the hub's checksum."""

import glob
import hashlib
import logging
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localist.plumbing.errors import UserError
from localist.plumbing.files import sha256_of
from localist.resources.folders import PICKLES, check_weights

if TYPE_CHECKING:
    from huggingface_hub import RepoFile

logger = logging.getLogger(__name__)

_SIDE_FILES = re.compile(r"[\w][\w.+-]*\.(json|txt|model|jinja)")
_WEIGHTS = re.compile(r"model(-\d+-of-\d+)?\.safetensors")
DATA = (".parquet", ".arrow", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".md", ".html", ".pdf", ".epub", ".docx")
_OTHER_FORMATS = {"onnx", "openvino", "original", "coreml", "tflite"}


def go_online() -> None:
    """Let this process access the hub although jobs run with HF_HUB_OFFLINE=1.

    huggingface_hub reads the variable when it is imported; call this first.
    """
    os.environ["HF_HUB_OFFLINE"] = "0"


def wanted_files(names: Iterable[str], nested: bool) -> list[str]:
    """Choose the files of a repository that a transformers model (or, `nested`, a sentence encoder) needs.

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
    if "model.safetensors" in chosen:  # shards would repeat the same weights
        chosen = [name for name in chosen if not re.match(r"model(-\d+-of-\d+\.safetensors|.+index\.json)", name)]
    return chosen


def download(hub: Mapping[str, Any], folder: Path, nested: bool = False) -> None:
    """Download the wanted files of the model `hub` (id, revision) into `folder`; HF_ENDPOINT selects another hub.

    Every file is compared with its checksum before anything opens it. Raises UserError for user, network and
    repository errors.
    """

    def choose(names: Collection[str]) -> list[str]:
        chosen = wanted_files(names, nested)
        folders = {_folder(name) for name in chosen}
        pickles = [name for name in names if name.endswith(PICKLES) and _folder(name) in folders]
        check_weights([*chosen, *pickles], f"{hub['id']} at this revision")
        return chosen

    _download(hub, folder, "model", choose)


def download_data_set(hub: Mapping[str, Any], folder: Path) -> None:
    """Download the data files of the data set `hub` (id, revision, patterns in `files`), as `download` does a model."""
    _download(hub, folder, "dataset", lambda names: data_files(names, hub))


def data_files(names: Iterable[str], hub: Mapping[str, Any]) -> list[str]:
    """The data files of a data set: those that match one of `hub.files`, else all of a supported format."""
    patterns = hub.get("files")
    chosen = [
        name
        for name in sorted(names)
        if not any(part.startswith(".") for part in name.split("/"))
        and (any(fnmatch(name, one) for one in patterns) if patterns else name.endswith(DATA) and name != "README.md")
    ]
    if not chosen:
        what = f"matching {', '.join(patterns)}" if patterns else f"of a supported format ({', '.join(DATA)})"
        raise UserError(f"{hub['id']} has no file {what}. List the data files in corpus.source.hub.files.")
    return chosen


def _download(hub: Mapping[str, Any], folder: Path, kind: str, choose: Callable[[Collection[str]], list[str]]) -> None:
    repository, revision = hub["id"], str(hub.get("revision"))
    if not re.fullmatch(r"[0-9a-f]{40}", revision):
        raise UserError(
            f"hub.revision of {repository} is {hub.get('revision')!r}; it must be a commit hash of 40 hexadecimal "
            "digits (see the repository's list of commits)."
        )
    from huggingface_hub import HfApi, RepoFile, constants

    if constants.is_offline_mode():
        raise UserError(
            f"{repository} must come from the hub, but HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) is set. "
            "Unset it, or use a package or a path as source."
        )
    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT") or constants.ENDPOINT)
    logger.info("Fetching %s at %s from %s.", repository, revision, api.endpoint)
    with _explained(repository, revision, api.endpoint):
        listed = api.list_repo_tree(repository, recursive=True, revision=revision, repo_type=kind)
        files = {entry.path: entry for entry in listed if isinstance(entry, RepoFile)}
        chosen = choose(files)
        patterns = [glob.escape(name) for name in chosen]
        api.snapshot_download(repository, revision=revision, repo_type=kind, allow_patterns=patterns, local_dir=folder)
    for name in chosen:
        _check_file(folder / name, files[name], repository)
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # huggingface_hub's own bookkeeping


def _folder(name: str) -> str:
    return name.rpartition("/")[0]


def _check_file(path: Path, file: "RepoFile", repository: str) -> None:
    """Compare a downloaded file with the hub's LFS sha256 or, for small files, its git blob id."""
    if file.lfs is not None:
        expected, got = file.lfs.sha256, sha256_of(path)
    else:
        content = path.read_bytes()
        expected, got = file.blob_id, hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    if got != expected:
        raise UserError(
            f"{repository}: the checksum of {file.path} does not match the hub's: expected {expected}, got {got}. "
            "The download was damaged or tampered with, and was deleted. Try again."
        )


@contextmanager
def _explained(repository: str, revision: str, endpoint: str) -> Iterator[None]:
    """Translate the hub library's exceptions into a UserError with a remedy."""
    from httpx2 import HTTPError
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise UserError(
            f"{repository} is gated: accept its conditions on its page at {endpoint}, then log in with "
            "`hf auth login` (or set HF_TOKEN)."
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise UserError(
            f"The hub {endpoint} has no repository {repository!r} (or it is private). "
            "Check hub.id, or log in with `hf auth login`."
        ) from error
    except errors.RevisionNotFoundError as error:
        raise UserError(f"{repository} has no revision {revision}. Check hub.revision.") from error
    except errors.HFValidationError as error:
        raise UserError(f"hub.id {repository!r} is not a valid repository name: {error}") from error
    except errors.HfHubHTTPError as error:
        raise UserError(
            f"The hub {endpoint} answered {error.response.status_code} for {repository}. {error}"
        ) from error
    except (HTTPError, errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled) as error:
        cause = type(error.__cause__ or error).__name__
        raise UserError(
            f"The hub {endpoint} could not be reached for {repository} ({cause}). Check the "
            "network and HF_ENDPOINT, or use a package or a path as source."
        ) from error
    except OSError as error:
        if not str(error).startswith("Consistency check failed"):
            raise
        raise UserError(
            f"{repository}: a file arrived incomplete or with an unexpected size. Try again. ({error})"
        ) from error
