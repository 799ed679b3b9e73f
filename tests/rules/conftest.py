"""Told stories on the pure core: no database, no clock, no engine."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.append(str(Path(__file__).parent))

from rules_story import TOLD, Story

_CALM = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
settings.register_profile("rules", derandomize=True, deadline=None, database=None, suppress_health_check=_CALM)
settings.register_profile("rules-long", deadline=None, suppress_health_check=_CALM, print_blob=True)
settings.load_profile("rules-long" if os.environ.get("HASHI_RULES_EXAMPLES") else "rules")


@pytest.fixture
def story(request: pytest.FixtureRequest) -> Story:
    """A story that begins on 2026-04-01, 9:00 in Japan, with nothing done; what it reaches counts as told."""
    TOLD.tests.add(request.node.nodeid)
    return Story(TOLD)
