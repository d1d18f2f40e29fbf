"""What the gateway itself must remember: owners, permissions, quotas, tags, users, audit."""

from .database import Constraint, Database, Query, Row, Transaction

__all__ = ["Constraint", "Database", "Query", "Row", "Transaction"]
