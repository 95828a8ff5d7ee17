"""Fixtures of this folder's tests."""

from tests.plainly import plainly as plainly
