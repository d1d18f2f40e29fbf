"""Assertions of the contract suite are explained like those of the tests here."""

import pytest

pytest.register_assert_rewrite("backends.suite")
