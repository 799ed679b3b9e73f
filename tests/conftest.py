"""For all tests: hypothesis repeats itself, and a slow shared machine is no fault."""

from hypothesis import HealthCheck, settings

settings.register_profile("hashi", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("hashi")
