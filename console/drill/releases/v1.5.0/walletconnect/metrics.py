"""What the service counts, under the names that its alert rules expect."""

from prometheus_client import Counter, Gauge, Histogram

REQUESTS = Counter("walletconnect_requests", "Requests of users.")
ERRORS = Counter("walletconnect_errors", "Requests of users that were answered with an error.")
DURATION = Histogram(
    "walletconnect_request_duration_seconds",
    "How long users waited.",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 5, 7.5, 10, 12.5, 15, 30),
)
CONNECTIONS = Counter("walletconnect_connections", "Connections tried.")
CONNECTION_FAILURES = Counter("walletconnect_connection_failures", "Connections that failed.")
SESSIONS = Counter("walletconnect_sessions", "Sessions tried.")
SESSION_FAILURES = Counter("walletconnect_session_failures", "Sessions that could not be established.")
SIGNINGS = Counter("walletconnect_transaction_signings", "Transactions that users asked to sign.")
SENT = Counter("walletconnect_transactions_sent", "Transactions that the chain has taken.")
CONFIRMED = Counter("walletconnect_transactions_confirmed", "Transactions that are confirmed and kept.")

# These two only ever rise. They are gauges because a Counter's name would end in _total, and the
# alert rules expect exactly these names.
SIGNING_FAILURES = Gauge("walletconnect_transaction_signing_failures", "Transactions that were not signed.")
GAS_ESTIMATION_ERRORS = Gauge("walletconnect_gas_estimation_errors", "Gas estimates that were too low.")
