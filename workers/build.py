"""Which build this is: the released version and a digest of the code that Temporal replays."""

from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final

from temporalio.common import VersioningBehavior
from temporalio.worker import WorkerDeploymentConfig, WorkerDeploymentVersion

import activities.contract
import workflows

DISTRIBUTION: Final = "hashi-referral"
UNVERSIONED: Final = "hashi"
"""What Temporal shows as the deployment of workers that take every case."""


@cache
def replayed_code() -> str:
    """A digest of all that a replay of a case depends on: the workflows, and the payloads they exchange."""
    contract = Path(activities.contract.__file__)
    sources = [contract, *sorted(path for folder in workflows.__path__ for path in Path(folder).glob("*.py"))]
    return sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()


@cache
def build_id() -> str:
    """The name of this build; it changes with every release and with every change of the code that is replayed."""
    return f"{version(DISTRIBUTION)}-{replayed_code()[:12]}"


def deployment(name: str | None, build: str | None = None) -> WorkerDeploymentConfig:
    """How a worker presents itself: as *build* of the deployment *name*, or, without a name, as one that takes all.

    With a name a run stays with the build that it began with until it turns over, and nothing runs before Temporal
    was told which build is current.
    """
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=name or UNVERSIONED, build_id=build or build_id()),
        use_worker_versioning=name is not None,
        default_versioning_behavior=VersioningBehavior.PINNED if name else VersioningBehavior.UNSPECIFIED,
    )
