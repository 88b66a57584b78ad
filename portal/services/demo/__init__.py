"""Something to try out: a café with three stores, and two neighbours it must never see."""

from portal.services.demo.build import build, is_here
from portal.services.demo.people import PASSWORD, SIGN_INS, SignIn

__all__ = ["PASSWORD", "SIGN_INS", "SignIn", "build", "is_here"]
