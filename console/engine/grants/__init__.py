"""What each kind of request leads to, or why it is refused; a module for each part of an incident."""

from console.engine.grants import gate, incident, planning, run
from console.engine.grants.case import Case, RefusedError, grant

__all__ = ["Case", "RefusedError", "gate", "grant", "incident", "planning", "run"]
