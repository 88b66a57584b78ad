"""Wrong keys are bounded for each address; a right one is never locked out by them."""

from flask_limiter.util import get_remote_address
from limits import parse

from portal.api.saying import Said, seconds_until
from portal.extensions import limiter

MOST = parse("30 per 5 minutes")


def count_one() -> None:
    """Count a wrong key of the caller's address; raises Said 429 from the 31st in five minutes."""
    told = ("wrong-keys", get_remote_address())
    if limiter.enabled and not limiter.limiter.hit(MOST, *told):
        ends = limiter.limiter.get_window_stats(MOST, *told).reset_time
        message = "Too many wrong keys came from this address. Wait, then go on."
        raise Said(429, "too_many", message, wait=seconds_until(ends, MOST.get_expiry()))
