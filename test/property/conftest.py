"""Random tests are the same in every run, so that a failure is the fault of what changed.

`make test-long` looks at more of them, and `pytest --hypothesis-profile=search test/property` at others each time.
"""

from hypothesis import HealthCheck, settings

SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)

settings.register_profile("fixed", deadline=None, derandomize=True, max_examples=4, suppress_health_check=SLOW)
settings.register_profile("long", deadline=None, derandomize=True, max_examples=200, suppress_health_check=SLOW)
settings.register_profile("search", deadline=None, max_examples=2000, suppress_health_check=SLOW)
settings.load_profile("fixed")
