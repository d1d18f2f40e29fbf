"""Alembic migrations of the store; run them with ``stratusgate db upgrade``."""
